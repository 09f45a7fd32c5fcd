import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { runTimed } from '../../bench/timed-process.ts'
import { makeLargeRepository } from './large-repository.ts'

const program = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))

test('400 backups of 1,000 chunks each: forget and prune need less than 150 MiB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dray-large-'))
  try {
    const path = join(folder, 'repo')
    await makeLargeRepository(path, 400, 1000)
    const env = { PATH: process.env['PATH'], HOME: folder, DRAY_REPO: path, TZ: 'UTC' }
    for (const args of [['prune', '--dry-run'], ['forget', '--keep-daily', '7', '--keep-weekly', '4', '--keep-monthly', '12', '--dry-run', '--prune'], ['forget', '--keep-daily', '390', '--prune']]) {
      const { peakBytes, stdout } = await runTimed(process.execPath, [program, ...args], { env })
      expect(peakBytes).toBeLessThan(150 * 2 ** 20)
      expect(stdout).not.toBe('')
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 300_000)
