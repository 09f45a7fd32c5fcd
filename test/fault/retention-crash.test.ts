import '../one-realm.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { missingBlobs, readBackup, readMount } from '../../src/store/backup-graph.ts'
import { listBackups } from '../../src/store/backup-list.ts'
import { ChunkStore } from '../../src/store/chunk-store.ts'
import { openContent } from '../../src/store/content-reader.ts'
import type { LocalRepository } from '../../src/store/repository.ts'
import { must, run } from '../lab/command.ts'
import { backUp, collect, noise, scratch, type Scratch } from '../unit/store/scratch.ts'

const program = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
const deadly = new URL('die-at-call.js', import.meta.url).href
const env = (at: Scratch) => ({ PATH: process.env['PATH'], HOME: at.folder, DRAY_REPO: at.path, XDG_STATE_HOME: join(at.folder, 'state') })

let made = 0
/** Backups that share half of their data with the next, a day apart, newer than the ones that are there. */
async function fill(repository: LocalRepository, count: number): Promise<void> {
  let last = noise(60_000)
  for (let n = 0; n < count; n++) {
    const own = noise(60_000)
    await backUp(repository, Buffer.concat([last, own]), { id: `n${made}`, created: new Date(Date.UTC(2001, 0, 1) + made++ * 86_400_000).toISOString(), tags: [] })
    last = own
  }
}

/** Every listed backup has all its blobs, and its data can be read. */
async function checkBackups(repository: LocalRepository): Promise<string[]> {
  const backups = await listBackups(repository)
  for (const { descriptor } of backups) {
    expect(await missingBlobs(repository.blobs, [descriptor])).toEqual([])
    const { mounts } = await readBackup(repository.blobs, descriptor)
    const { content } = await readMount(repository.blobs, mounts[0]!)
    expect(await collect(openContent(new ChunkStore(repository), content.chunks))).toHaveLength(120_000)
  }
  return backups.map(({ id }) => id)
}

const signals = [['SIGKILL', 137], ['SIGTERM', 143], ['SIGINT', 130]] as const

test('kill -9, SIGTERM and SIGINT at any moment of forget and prune leave a list of complete backups', async () => {
  await using at = await scratch()
  const rounds = process.env['DRAY_TEST_ALL'] ? 60 : 6
  let struck = 0
  for (let round = 0; round < rounds; round++) {
    const [signal, code] = signals[round % signals.length]!
    await using repository = await at.open()
    await fill(repository, 5)
    const before = (await listBackups(repository)).map(({ id }) => id)
    const child = spawn(process.execPath, [program, 'forget', '--keep-last', '3', '--prune', '--grace', '0', '-q'], { env: env(at), stdio: 'ignore' })
    const exited = once(child, 'exit')
    // From its first look at the repository on; by then it has started.
    await delay(120 + Math.random() * 180)
    child.kill(signal)
    const [exitCode, by] = await exited as [number | null, string | null]
    if (by === signal || exitCode === code) struck++
    else expect(exitCode).toBe(0)
    const after = await checkBackups(repository)
    expect(before).toEqual(expect.arrayContaining(after))
    expect([before, before.slice(-3)]).toContainEqual(after)
    expect(await run(process.execPath, [program, 'forget', '--keep-last', '3', '--prune', '--grace', '0', '--wait', '0'], { env: env(at) })).toMatchObject({ exitCode: 0 })
    expect(await checkBackups(repository)).toEqual(before.slice(-3))
    expect(await readdir(repository.paths.locks)).toEqual([])
  }
  expect(struck).toBeGreaterThan(0)
}, 300_000)

const isLong = Boolean(process.env['DRAY_TEST_ALL'])
const forgetting = [['forget', '--keep-last', '2'], ...(isLong ? [['forget', '--keep-last', '2', '--prune', '--grace', '0']] : [])]

test.each(forgetting.map(args => [args]))('kill -9 instead of each change that %j makes: what was forgotten stays so, and the rest is whole', async args => {
  await using at = await scratch()
  await using repository = await at.open()
  const list = async () => (await listBackups(repository)).map(({ id }) => id)
  const dray = (...line: string[]) => run(process.execPath, [program, ...line, '--wait', '0'], { env: env(at) })
  let wasForgotten = 0
  for (let call = 1, isKilled = true; isKilled; call++) {
    await fill(repository, 3 - (await list()).length)
    const before = await list()
    const { exitCode } = await run(process.execPath, ['--import', deadly, program, ...args], { env: { ...env(at), DIE_AT_CALL: String(call) } })
    isKilled = exitCode === 128
    if (!isKilled) expect(exitCode).toBe(0)
    const after = await checkBackups(repository)
    expect([before, before.slice(1)]).toContainEqual(after)
    if (after.length < before.length) wasForgotten++
    const afterwards = [['doctor', '--repair'], ['prune', '--grace', '0']]
    for (const next of isLong ? afterwards : [afterwards[call % 2]!]) {
      expect(await dray(...next)).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('warning') })
      expect(await checkBackups(repository)).toEqual(after)
    }
  }
  expect(wasForgotten).toBeGreaterThan(3)
}, 300_000)

test('kill -9 instead of each change of forget, and index.json lost at that: what was forgotten does not come back, and nothing else is lost', async () => {
  await using at = await scratch()
  await using repository = await at.open()
  const list = async () => (await listBackups(repository)).map(({ id }) => id)
  const outcomes = new Set<string>()
  for (let call = 1, isKilled = true; isKilled; call += isLong ? 1 : 3) {
    await fill(repository, 3 - (await list()).length)
    const before = await list()
    isKilled = (await run(process.execPath, ['--import', deadly, program, 'forget', '--keep-last', '2'], { env: { ...env(at), DIE_AT_CALL: String(call) } })).exitCode === 128
    const wasForgotten = (await list()).length < before.length
    await rm(repository.paths.index)
    expect(await run(process.execPath, [program, 'doctor', '--repair', '--wait', '0'], { env: env(at) })).toMatchObject({ exitCode: 0 })
    const after = await checkBackups(repository)
    // What is announced and not yet done may be done by the repair: it was asked for.
    expect(wasForgotten ? [before.slice(1)] : [before, before.slice(1)]).toContainEqual(after)
    outcomes.add(`${wasForgotten ? 'forgotten' : 'not forgotten'}, ${after.length} there`)
  }
  expect([...outcomes].sort()).toEqual(expect.arrayContaining(['forgotten, 2 there', 'not forgotten, 3 there']))
}, 300_000)

/** Runs a shell script in a mount namespace of its own; $REPO is the repository, $DRAY the command. */
function aside(at: Scratch, script: string): ReturnType<typeof run> {
  return run('unshare', ['--map-root-user', '--mount', 'sh', '-c', script], { env: { ...env(at), REPO: at.path, DRAY: `${process.execPath} ${program}`, FOLDER: at.folder, FIRST: `n${made - 3}` } })
}

test('on a full disk prune still frees space, and forget says what is wrong or works', async () => {
  await using at = await scratch()
  {
    await using repository = await at.open()
    await fill(repository, 4)
    await appendFile(join(repository.paths.cache, 'chunks'), Buffer.alloc(65_536))
  }
  // tmpfs gives out whole pages: the copy is filled to the last one.
  const { stdout, stderr } = await aside(at, `
    mkdir "$FOLDER/small" && mount -t tmpfs -o size=4m none "$FOLDER/small" && cp -a "$REPO" "$FOLDER/small/repo" && export DRAY_REPO="$FOLDER/small/repo"
    dd if=/dev/zero of="$FOLDER/small/filler" bs=4096 2>/dev/null; df --output=avail "$FOLDER/small" | tail -1
    $DRAY forget --keep-last 1 >&2; echo forget $?
    $DRAY prune --grace 0 -q; echo prune $?
    $DRAY prune --dry-run | tail -1`)
  expect({ stdout, stderr }).toEqual({ stdout: expect.stringMatching(/^ *0\nforget 0\nprune 0\nin use: /), stderr: expect.any(String) })
}, 60_000)

test('on a full disk with nothing to spare forget is exit 30, says why, and changes nothing', async () => {
  await using at = await scratch()
  await using repository = await at.open()
  await fill(repository, 3)
  await rm(join(repository.paths.cache, 'chunks'), { force: true })
  const { stdout, stderr } = await aside(at, `
    mkdir "$FOLDER/small" && mount -t tmpfs -o size=4m none "$FOLDER/small" && cp -a "$REPO" "$FOLDER/small/repo" && export DRAY_REPO="$FOLDER/small/repo"
    dd if=/dev/zero of="$FOLDER/small/filler" bs=4096 2>/dev/null
    for command in "forget --keep-last 1" prune; do $DRAY $command; echo $?; done
    $DRAY list -q | grep -c n`)
  expect(stdout).toBe('30\n30\n3\n')
  expect(stderr).toMatch(/dray: error: [^\n]*no space left on device\ndray: hint: free some space and run the same command again\n/)
}, 60_000)

test('a read-only repository is looked at, and refuses the rest with the reason', async () => {
  await using at = await scratch()
  await using repository = await at.open()
  await fill(repository, 3)
  const { stdout, stderr } = await aside(at, `
    mount --bind "$REPO" "$REPO" && mount -o remount,bind,ro "$REPO"
    for command in "forget --keep-last 1" "forget $FIRST -y" prune "prune --dry-run -q" "forget --keep-last 1 --dry-run -q"; do $DRAY $command >/dev/null; echo $?; done`)
  expect(stdout).toBe('13\n13\n13\n0\n0\n')
  expect(stderr.match(/dray: error: cannot write "[^"]*locks[^"]*": the file system is read-only\n/g)).toHaveLength(3)
  expect(await must('ls', [repository.paths.locks])).toBe('')
}, 60_000)
