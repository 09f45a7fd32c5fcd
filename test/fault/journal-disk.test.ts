import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'

const program = fileURLToPath(new URL('journal-disk-child.js', import.meta.url))

test('on a full disk an entry that could not be written is neither open nor in the file, and the next one is a whole line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dray-journal-'))
  const script = 'mount -t tmpfs -o size=64k none "$FOLDER" && exec "$NODE" "$PROGRAM" "$FOLDER"'
  const { status, stdout, stderr } = spawnSync('unshare', ['--map-root-user', '--mount', 'sh', '-c', script], { env: { PATH: process.env['PATH'], NODE: process.execPath, PROGRAM: program, FOLDER: folder } })
  await rm(folder, { recursive: true })
  if (status !== 0) throw new Error(`this test needs "unshare --map-root-user --mount" (util-linux, user namespaces allowed): ${stderr.toString()}`)
  expect(JSON.parse(stdout.toString())).toEqual({ code: 'io-failed', message: `write the journal "${join(folder, 'run-1.ndjson')}": no space left on device`, asRecorded: true, lines: 1, lastLineIsAfter: true })
})
