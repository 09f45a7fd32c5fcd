import '../one-realm.ts'
import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { backUp, noise, scratch } from '../unit/store/scratch.ts'

const program = fileURLToPath(new URL('store-disk-child.js', import.meta.url))

/** Runs the child in a mount namespace of its own, after `mount`. */
function runAfter(mount: string, path: string, mode: string): unknown {
  const script = `${mount} && exec "$NODE" "$PROGRAM" "$REPO" ${mode}`
  const { status, stdout, stderr } = spawnSync('unshare', ['--map-root-user', '--mount', 'sh', '-c', script], { env: { PATH: process.env['PATH'], NODE: process.execPath, PROGRAM: program, REPO: path } })
  if (status !== 0) throw new Error(`this test needs "unshare --map-root-user --mount" (util-linux, user namespaces allowed): ${stderr.toString()}`)
  return JSON.parse(stdout.toString())
}

test('a full disk is said with the repository and a hint, and leaves nothing half written', async () => {
  await using at = await scratch()
  const path = join(at.folder, 'small')
  await mkdir(path)
  expect(runAfter('mount -t tmpfs -o size=3m none "$REPO"', path, 'fill')).toEqual({
    code: 'io-failed', message: `cannot write to the repository "${path}": no space left on device`, hints: ['free some space and run the same command again'], left: [], backups: [],
  })
})

test('a read-only repository is read, and nothing else', async () => {
  await using at = await scratch()
  await using repository = await at.open()
  await backUp(repository, noise(1000))
  expect(runAfter('mount --bind "$REPO" "$REPO" && mount -o remount,bind,ro "$REPO"', at.path, 'read')).toEqual({ held: true, backups: 1, exclusive: 'unauthorized', put: 'unauthorized' })
})
