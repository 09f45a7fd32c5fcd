import '../../one-realm.ts'
import { writeFileSync } from 'node:fs'
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { checkRepository } from '../../../src/integrity/check-repository.ts'
import { missingBlobs, readBackup, readMount } from '../../../src/store/backup-graph.ts'
import { listBackups, removeBackups } from '../../../src/store/backup-list.ts'
import type { BackupSummary } from '../../../src/store/backup-summary.ts'
import { ChunkStore } from '../../../src/store/chunk-store.ts'
import { openContent } from '../../../src/store/content-reader.ts'
import { findGarbage, type GarbageCounts } from '../../../src/store/garbage.ts'
import type { Descriptor, Index } from '../../../src/store/oci.ts'
import { prune } from '../../../src/store/prune.ts'
import { rebuildIndex, type RepairReport } from '../../../src/store/repair.ts'
import type { LocalRepository } from '../../../src/store/repository.ts'
import { backUp, collect, noise, scratch, type Scratch } from './scratch.ts'

let at: Scratch
let repository: LocalRepository
beforeEach(async () => {
  at = await scratch()
  repository = await at.open()
})
afterEach(async () => {
  await repository.close()
  await at[Symbol.asyncDispose]()
})

const ids = async () => (await listBackups(repository)).map(({ id }) => id).sort()
const readList = () => readFile(repository.paths.index)
const writeList = (content: Buffer | Partial<Index>) => writeFile(repository.paths.index, Buffer.isBuffer(content) ? content : JSON.stringify({ schemaVersion: 2, ...content }))
const parsedList = async () => JSON.parse((await readList()).toString()) as Index
const pathOf = ({ digest }: Pick<Descriptor, 'digest'>) => repository.blobs.pathOf(digest)

async function locked<T>(work: (lock: Awaited<ReturnType<typeof lockAll>>) => Promise<T>): Promise<T> {
  await using lock = await lockAll()
  return await work(lock)
}
const lockAll = () => repository.lock('exclusive', { command: 'test' })
const pruneAll = (): Promise<GarbageCounts> => locked(lock => prune(repository, { graceMs: -1000 }, lock))
const forget = (...gone: string[]): Promise<BackupSummary[]> => locked(lock => removeBackups(repository, gone, lock))
const repair = (): Promise<RepairReport> => locked(lock => rebuildIndex(repository, lock))

async function expectWhole({ descriptor }: BackupSummary, data: Buffer): Promise<void> {
  expect(await missingBlobs(repository.blobs, [descriptor])).toEqual([])
  const { content } = await readMount(repository.blobs, (await readBackup(repository.blobs, descriptor)).mounts[0]!)
  expect((await collect(openContent(new ChunkStore(repository), content.chunks))).equals(data)).toBe(true)
}

async function findings(): Promise<string[]> {
  const nothing = () => undefined
  const { findings: found } = await checkRepository({ repository, level: 'quick', share: 1, repairs: false, onTotal: nothing, onBytes: nothing, signal: new AbortController().signal })
  return found.map(({ code, member }) => `${code} ${member ?? ''}`)
}

describe('an older index.json that was put back', () => {
  const [one, two, three] = [noise(50_000), noise(50_000), noise(50_000)]
  let made: BackupSummary[]
  let old: Buffer
  beforeEach(async () => {
    made = [await backUp(repository, one, { id: 'one' })]
    old = await readList()
    made.push(await backUp(repository, two, { id: 'two' }), await backUp(repository, three, { id: 'three' }))
  })

  test('costs nothing: prune frees the rest, names what is not listed, and repair lists it', async () => {
    await writeList(old)
    await writeFile(pathOf({ digest: `sha256:${'f'.repeat(64)}` }), 'loose')
    const counts = await pruneAll()
    expect({ ...counts, unlisted: counts.unlisted.toSorted() }).toMatchObject({ removedBlobs: 1, missingBlobs: 0, unlisted: ['three', 'two'] })
    await expectWhole(made[1]!, two)
    await expectWhole(made[2]!, three)
    const { added, kept, incomplete } = await repair()
    expect([added, kept, incomplete].map(each => each.map(({ id }) => id).sort())).toEqual([['three', 'two'], ['one'], []])
    expect(await ids()).toEqual(['one', 'three', 'two'])
    expect(await pruneAll()).toMatchObject({ removedBlobs: 0, unlisted: [] })
  })

  test('brings nothing back that was forgotten', async () => {
    await forget('two')
    await writeList(old)
    expect(await repair()).toMatchObject({ added: [{ id: 'three' }], incomplete: [] })
    expect((await pruneAll()).removedBlobs).toBeGreaterThan(5)
    expect(await ids()).toEqual(['one', 'three'])
    await expectWhole(made[2]!, three)
  })

  test('that names what was forgotten since: prune removes nothing, and says which', async () => {
    const all = await readList()
    await forget('two')
    await writeList(all)
    await expect(pruneAll()).rejects.toMatchObject({ code: 'damaged', message: expect.stringContaining('"two"') })
    await forget('two')
    expect(await pruneAll()).toMatchObject({ missingBlobs: 0, unlisted: [] })
    await expectWhole(made[2]!, three)
  })

  test('with a backup that has lost a blob: the rest of it is kept, and listed', async () => {
    await writeList(old)
    const { content } = await readMount(repository.blobs, (await readBackup(repository.blobs, made[1]!.descriptor)).mounts[0]!)
    await rm(pathOf(content.chunks[0]!))
    expect(await pruneAll()).toMatchObject({ removedBlobs: 0, missingBlobs: 1 })
    await rm(pathOf((await readBackup(repository.blobs, made[2]!.descriptor)).mounts[0]!.parts[0]!))
    await pruneAll()
    await writeList(old)
    expect((await repair()).incomplete.map(({ id }) => id).sort()).toEqual(['three', 'two'])
    expect(await ids()).toEqual(['one', 'three', 'two'])
    await expectWhole(made[0]!, one)
  })

  test('and a backup that is made then: it is listed beside the older ones', async () => {
    await writeList(old)
    await backUp(repository, noise(1000), { id: 'four' })
    expect((await pruneAll()).unlisted.toSorted()).toEqual(['three', 'two'])
    await repair()
    expect(await ids()).toEqual(['four', 'one', 'three', 'two'])
  })
})

describe('a forget that was killed', () => {
  /** The blob of its index is still there, and old enough for verify to wonder. */
  async function killedForget(id: string): Promise<BackupSummary> {
    const summary = (await listBackups(repository)).find(each => each.id === id)!
    const index = await readFile(pathOf(summary.descriptor))
    await forget(id)
    await writeFile(pathOf(summary.descriptor), index)
    await utimes(pathOf(summary.descriptor), 1, 1)
    return summary
  }

  beforeEach(async () => {
    for (const id of ['one', 'two', 'three']) await backUp(repository, noise(20_000), { id })
  })

  test('is done to its end by prune', async () => {
    const { descriptor } = await killedForget('two')
    expect(await findings()).toEqual([])
    const { counts } = await findGarbage(repository, { graceMs: -1000 })
    expect(await pruneAll()).toMatchObject({ removedBlobs: counts.removedBlobs - 1, unlisted: [], missingBlobs: 0 })
    await expect(stat(pathOf(descriptor))).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await ids()).toEqual(['one', 'three'])
  })

  test.each([['repair', () => repair()], ['the next forget', () => forget('three')]] as [string, () => Promise<unknown>][])('is done to its end by %s', async (_who, next) => {
    const { descriptor } = await killedForget('two')
    await next()
    await expect(stat(pathOf(descriptor))).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await repair()).toMatchObject({ added: [], incomplete: [] })
    expect(await ids()).not.toContain('two')
    expect(await pruneAll()).toMatchObject({ unlisted: [] })
  })

  test('and a backup beside: what was forgotten is still known', async () => {
    await killedForget('two')
    await backUp(repository, noise(1000), { id: 'four' })
    expect(await pruneAll()).toMatchObject({ unlisted: [] })
    expect(await ids()).toEqual(['four', 'one', 'three'])
  })

  test('and a list that names the backup again: it is a backup', async () => {
    const { manifests } = await parsedList()
    await killedForget('two')
    await writeList({ ...(await parsedList()), manifests })
    expect((await pruneAll()).unlisted).toEqual([])
    expect(await ids()).toEqual(['one', 'three', 'two'])
    expect(await findings()).toEqual([])
  })
})

describe('two backups with one id', () => {
  const [first, second] = [noise(1000), noise(1000)]
  let older: BackupSummary
  let newer: BackupSummary
  let lists: { readonly older: Index; readonly newer: Index }
  beforeEach(async () => {
    older = await backUp(repository, first, { id: 'same' })
    const list = await parsedList()
    await writeList({ manifests: [] })
    newer = await backUp(repository, second, { id: 'same', created: '2026-02-02T03:04:05Z' })
    lists = { older: list, newer: await parsedList() }
  })

  test.each<['listed' | 'both listed' | 'lost']>([['listed'], ['both listed'], ['lost']])('%s: one gets another id, and both are whole', async how => {
    if (how === 'lost') await rm(repository.paths.index)
    else await writeList({ manifests: [...lists.older.manifests, ...(how === 'listed' ? [] : lists.newer.manifests)] })
    expect((await repair()).renamed).toEqual([{ id: 'same-2', was: 'same' }])
    const [same, other] = (await listBackups(repository)).toSorted((a, b) => (a.id < b.id ? -1 : 1))
    expect([same?.id, other?.id, same?.created]).toEqual(['same', 'same-2', how === 'lost' ? newer.created : older.created])
    await expectWhole(same!, how === 'lost' ? second : first)
    await expectWhole(other!, how === 'lost' ? first : second)
    expect(await findings()).toEqual([])
    expect(await repair()).toMatchObject({ added: [], renamed: [], incomplete: [] })
    expect(await pruneAll()).toMatchObject({ unlisted: [], missingBlobs: 0 })
  })

  test('are not forgotten together', async () => {
    await writeList({ manifests: [...lists.older.manifests, ...lists.newer.manifests] })
    await expect(forget('same')).rejects.toMatchObject({ code: 'conflict', hints: [expect.stringContaining('doctor --repair')] })
    expect(await ids()).toEqual(['same', 'same'])
  })

  test('that are one, listed twice: it is listed once', async () => {
    await writeList({ manifests: [...lists.older.manifests, ...lists.older.manifests] })
    await repair()
    expect((await parsedList()).manifests.map(({ digest }) => digest)).toEqual(expect.arrayContaining([older.descriptor.digest]))
    expect(await ids()).toEqual(['same', 'same-2'])
  })
})

test('an index.json that another program changes meanwhile ends a prune before it removes more', async () => {
  await backUp(repository, noise(200_000), { id: 'one' })
  const list = await parsedList()
  await forget('one')
  const before = (await findGarbage(repository, { graceMs: -1000 })).counts
  await expect(locked(lock => prune(repository, { graceMs: -1000, onFound: () => writeFileSync(repository.paths.index, JSON.stringify(list)) }, lock))).rejects.toMatchObject({ code: 'locked', message: expect.stringContaining('another program') })
  await writeList({ manifests: [] })
  expect((await findGarbage(repository, { graceMs: -1000 })).counts).toEqual(before)
})
