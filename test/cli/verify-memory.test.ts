import '../one-realm.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { initRepository, openRepository } from '../../src/store/repository.ts'
import { backUpTree, layerOf, tarOf } from '../unit/integrity/tree-backup.ts'
import { noise } from '../unit/store/scratch.ts'
import { manyProcessors } from './many-processors.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
const mib = 1024 * 1024
let folder: string

/** Chunks as large as backups have them: of files of all sizes, what can be compressed and what cannot. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-memory-'))
  const tree = join(folder, 'tree')
  await mkdir(tree)
  for (let at = 0; at < 3000; at++) await writeFile(join(tree, `small-${at}`), at % 2 === 0 ? noise(15_000) : `${at} `.repeat(4000))
  for (let at = 0; at < 10; at++) await writeFile(join(tree, `large-${at}`), at % 2 === 0 ? noise(12 * mib) : Buffer.alloc(12 * mib, `${at} `))
  const tar = tarOf(tree)
  await rm(tree, { recursive: true })
  const path = join(folder, 'repo')
  await initRepository(path)
  await using repository = await openRepository(path, { create: false })
  await backUpTree(repository, tar, layerOf('file'))
}, 120_000)
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

test.each([[[], 'here'], [['--deep'], 'here'], [[], 'with eight processors'], [['--deep'], 'with eight processors']])('verify %j of a repository takes less than 150 MB %s', async (args, where) => {
  const child = spawn(process.execPath, [...(where === 'here' ? [] : manyProcessors), dray, 'verify', '-r', 'repo', ...args], { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder }, stdio: 'ignore' })
  let peak = 0
  const watch = setInterval(() => (peak = Math.max(peak, peakOf(child.pid))), 5)
  const [exitCode] = (await once(child, 'close')) as [number | null]
  clearInterval(watch)
  expect(exitCode).toBe(0)
  expect(peak).toBeGreaterThan(40e6)
  expect(peak).toBeLessThan(150e6)
}, 60_000)

function peakOf(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'latin1'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
