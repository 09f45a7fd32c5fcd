import '../../one-realm.ts'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { acquireOwnerLock, type LockKind } from '../../../src/files/owner-lock.ts'
import { thisProcess, type Owner } from '../../../src/files/owner.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-lock-'))
})
afterEach(() => rm(folder, { recursive: true }))

const now = { command: 'test', waitMs: 0 }
const record = (kind: LockKind, owner: Partial<Owner>) => JSON.stringify({ kind, command: 'backup web', since: '2026-01-02T03:04:05.000Z', owner: { ...thisProcess(), ...owner } })

test('shared locks go together, an exclusive one with none', async () => {
  const first = await acquireOwnerLock(folder, 'shared', now)
  const second = await acquireOwnerLock(folder, 'shared', now)
  await expect(acquireOwnerLock(folder, 'exclusive', now)).rejects.toMatchObject({ code: 'locked' })
  await first.release()
  await second.release()
  await using exclusive = await acquireOwnerLock(folder, 'exclusive', now)
  await expect(acquireOwnerLock(folder, 'shared', now)).rejects.toMatchObject({ code: 'locked' })
  expect(await exclusive.isHeld()).toBe(true)
})

test('a refused lock leaves nothing, a released one neither', async () => {
  const held = await acquireOwnerLock(folder, 'exclusive', now)
  await expect(acquireOwnerLock(folder, 'exclusive', now)).rejects.toThrow('locked')
  expect(await readdir(folder)).toHaveLength(1)
  await held.release()
  await held.release()
  expect(await readdir(folder)).toEqual([])
  expect(await held.isHeld()).toBe(false)
})

test('the message names the holder and the next step', async () => {
  await writeFile(join(folder, 'x.json'), record('exclusive', { host: 'elsewhere', pid: 42 }))
  await expect(acquireOwnerLock(folder, 'shared', now)).rejects.toMatchObject({
    message: `"${folder}" is locked by "backup web" on host "elsewhere" (process 42, since 2026-01-02T03:04:05.000Z)`,
    hints: ['wait until it has ended, then run the same command again', `if it is certain that nothing uses the repository any more, remove "${folder}/x.json"`],
  })
})

test('a dead owner loses its lock, an unreadable one is respected', async () => {
  await writeFile(join(folder, 'dead.json'), record('exclusive', { startTime: '1' }))
  await (await acquireOwnerLock(folder, 'exclusive', now)).release()
  expect(await readdir(folder)).toEqual([])
  await writeFile(join(folder, 'torn.json'), '{"kind":"shared"')
  await expect(acquireOwnerLock(folder, 'shared', now)).rejects.toThrow(`an unreadable lock file "${folder}/torn.json"`)
})

test('who waits gets the lock when it is released', async () => {
  const held = await acquireOwnerLock(folder, 'exclusive', now)
  let told = ''
  const waiting = acquireOwnerLock(folder, 'shared', { command: 'wait', waitMs: 60_000, onWait: holder => {
    told = holder
    void held.release()
  } })
  await (await waiting).release()
  expect(told).toContain('"test" on host')
})

test('waiting ends with the signal', async () => {
  await using held = await acquireOwnerLock(folder, 'exclusive', now)
  const aborting = new AbortController()
  const waiting = acquireOwnerLock(folder, 'shared', { command: 'wait', waitMs: 60_000, signal: aborting.signal, onWait: () => aborting.abort(new Error('interrupted')) })
  await expect(waiting).rejects.toThrow('interrupted')
  expect(await readdir(folder)).toHaveLength(1)
  expect(held.kind).toBe('exclusive')
})

test('of many that want it exclusively one has it at a time', async () => {
  let inside = 0
  let most = 0
  await Promise.all(Array.from({ length: 8 }, async () => {
    await using lock = await acquireOwnerLock(folder, 'exclusive', { command: 'race', waitMs: 60_000 })
    most = Math.max(most, ++inside)
    expect(await lock.isHeld()).toBe(true)
    inside--
  }))
  expect(most).toBe(1)
})
