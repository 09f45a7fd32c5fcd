import { randomFillSync } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { backupsOf, DrayCommand, type BackupFigures } from '../../lab/dray.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'

const gib = 1024 ** 3
let host: LabHost
let folder: string

beforeAll(async () => {
  host = await startHost({ engine: '20.10' })
  folder = await mkdtemp(join(tmpdir(), 'drayage-frozen-'))
  await busyboxImage(host, 'app:1')
}, 120_000)

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await host[Symbol.asyncDispose]()
}, 120_000)

/** No two files are alike, but they compress well, so that the disk and the clock are spared. */
function fill(directory: string, files: number, bytesEach: number): void {
  const letters = Buffer.alloc(64 * 1024)
  randomFillSync(letters)
  const bytes = Buffer.alloc(bytesEach, letters)
  for (let i = 0; i < files; i++) {
    const parent = join(directory, `d${Math.floor(i / 500)}`)
    if (i % 500 === 0) mkdirSync(parent)
    for (let at = 0; at < bytesEach; at += 64 * 1024) bytes.write(`file ${i} at ${at};`, at)
    const file = openSync(join(parent, `file-${i}`), 'w')
    writeSync(file, bytes)
    closeSync(file)
  }
}

/** A container that goes on changing five small files, and its backup with the default consistency. */
async function backUp(name: string, files: number, totalBytes: number): Promise<BackupFigures[]> {
  const docker = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await host.docker(args)
    if (exitCode !== 0) throw new Error(stderr)
    return stdout.trim()
  }
  await docker('volume', 'create', name)
  fill(await docker('volume', 'inspect', '--format', '{{.Mountpoint}}', name), files, Math.floor(totalBytes / files))
  await docker('run', '--detach', '--name', name, '--volume', `${name}:/data`, 'app:1', 'sh', '-c', 'while :; do for i in 1 2 3 4 5; do date > /data/d1/changing-$i; done; usleep 50000; done')
  const dray = new DrayCommand(host, join(folder, name))
  try {
    const backups = []
    for (let i = 0; i < 2; i++) backups.push(...backupsOf(await dray.must('backup', name)))
    return backups
  } finally {
    await docker('rm', '--force', name)
    await docker('volume', 'rm', name)
    await rm(join(folder, name), { recursive: true, force: true })
  }
}

function show(what: string, backups: readonly BackupFigures[]): void {
  for (const { freeze, mounts, milliseconds } of backups) {
    const [mount] = mounts
    process.stderr.write(`frozen time, ${what}: ${freeze.milliseconds} ms of ${milliseconds} ms (${mount?.reader} reader; ${mount?.entries} entries, ${mount?.keptEntries} kept, ${mount?.readBytes} bytes read in the frozen pass)\n`)
  }
}

const small = { files: 15_000, bytes: 1.2 * gib }
let ofSmall: BackupFigures[] = []

test('1.2 GB in 15,000 files with little change are frozen for less than a second', async () => {
  ofSmall = await backUp('small', small.files, small.bytes)
  show('1.2 GB in 15,000 files', ofSmall)
  for (const { freeze, mounts } of ofSmall) {
    expect(mounts[0]).toMatchObject({ reader: 'host', dataBytes: expect.any(Number) })
    expect(mounts[0]?.entries).toBeGreaterThan(small.files)
    expect(freeze).toMatchObject({ way: 'pause', disturbed: false })
    expect(freeze.milliseconds).toBeLessThan(1000)
  }
}, 300_000)

test('ten gigabytes are frozen no longer', async () => {
  const { bavail, bsize } = await statfs(tmpdir())
  if (bavail * bsize < 16 * gib) throw new Error(`the test needs 16 GiB in "${tmpdir()}"`)
  const backups = await backUp('large', small.files, 10 * gib)
  show('10 GB in 15,000 files', backups)
  for (const { freeze } of backups) expect(freeze.milliseconds).toBeLessThan(1000)
}, 600_000)
