import { describe, expect, test } from '@jest/globals'
import type { ListedEntry } from '../../../src/mounts/mount-access.ts'
import type { PathList } from '../../../src/mounts/mount-access.ts'
import { findChanges, type CopiedListing } from '../../../src/workflows/steps/listing-changes.ts'
import { PackedListing } from '../../../src/workflows/steps/packed-listing.ts'

const settled = '2000000000.000000000'

/** "d ./a" or "f ./a/x inode=7 links=2 ctime=3", the root first. */
function tree(...lines: readonly string[]): ListedEntry[] {
  return ['d .', ...lines].map(line => {
    const [type = 'f', path = '', ...rest] = line.split(' ')
    const given = new Map(rest.map(each => each.split('=') as [string, string]))
    return { type: type as ListedEntry['type'], path: Buffer.from(path), size: 1, mode: 0o644, uid: 0, gid: 0, mtime: '1000.000000001', ctime: `${given.get('ctime') ?? '1000'}.000000001`, inode: given.get('inode') ?? path, links: Number(given.get('links') ?? '1') }
  }).sort((one, other) => Buffer.compare(one.path, other.path))
}

function copied(entries: readonly ListedEntry[], { missing = [], changed = [] }: { missing?: readonly string[]; changed?: readonly string[] } = {}): CopiedListing {
  const listing = new PackedListing()
  for (const entry of entries) listing.add(entry)
  return { listing, syncedAt: settled, missing: new Set(missing), changed: new Set(changed) }
}

async function changes(base: CopiedListing, now: readonly ListedEntry[]): Promise<Record<'send' | 'touched' | 'directories' | 'removed', string[]>> {
  const found = await findChanges(base, batches(now))
  return { send: [...found.send].map(({ path }) => path.toString()), touched: found.touched.map(String).sort(), directories: pathsIn(found.directories).sort(), removed: pathsIn(found.removed) }
}

function pathsIn(list: PathList): string[] {
  return Buffer.concat([...list.parts()]).toString().split('\0').slice(0, -1)
}

async function* batches(entries: readonly ListedEntry[]): AsyncGenerator<readonly ListedEntry[]> {
  for (let at = 0; at < entries.length; at += 3) yield await Promise.resolve(entries.slice(at, at + 3))
}

describe('what has to be done to a copy', () => {
  test('nothing, when nothing changed', async () => {
    const entries = tree('d ./a', 'f ./a/x', 'f ./a-b', 'f ./l inode=1 links=2', 'f ./m inode=1 links=2')
    expect(await changes(copied(entries), entries)).toEqual({ send: [], touched: [], directories: [], removed: [] })
  })

  test('everything, when nothing is there', async () => {
    expect((await changes(copied([]), tree('d ./a', 'f ./a/x'))).send).toEqual(['.', './a', './a/x'])
  })

  test('a file that changed or is new is sent, and its directory gets its attributes back', async () => {
    expect(await changes(copied(tree('d ./a', 'f ./a/x')), tree('d ./a', 'f ./a/x ctime=1001', 'f ./a/y'))).toEqual({ send: ['./a/x', './a/y'], touched: ['./a'], directories: ['./a'], removed: [] })
  })

  test('only the topmost of what is gone is removed, whatever sorts between it and what was below', async () => {
    expect(await changes(copied(tree('d ./a', 'f ./a-b', 'd ./a/b', 'f ./a/b/x', 'f ./a/y')), tree('f ./a-b'))).toEqual({ send: [], touched: ['.'], directories: ['.'], removed: ['./a'] })
  })

  test('what became another kind goes first, with all below it', async () => {
    expect(await changes(copied(tree('d ./a', 'f ./a/x', 'f ./b')), tree('l ./a', 'd ./b', 'f ./b/x'))).toEqual({ send: ['./a', './b', './b/x'], touched: ['.'], directories: ['.'], removed: ['./a', './b'] })
  })

  test('the names of a file are sent together when one of them moved or changed', async () => {
    const before = tree('d ./a', 'f ./a/x inode=1 links=3', 'f ./y inode=1 links=3', 'f ./z inode=1 links=3', 'f ./other inode=2 links=2', 'f ./other-2 inode=2 links=2')
    const now = tree('d ./b', 'f ./b/x inode=1 links=3', 'f ./y inode=1 links=3', 'f ./z inode=1 links=3', 'f ./other inode=2 links=2', 'f ./other-2 inode=2 links=2')
    expect((await changes(copied(before), now)).send).toEqual(['./b', './b/x', './y', './z'])
    expect((await changes(copied(before, { changed: ['./y'] }), before)).send).toEqual(['./y', './a/x', './z'])
  })

  test('what did not arrive counts as not there, with all below it', async () => {
    const entries = tree('d ./a', 'd ./a/b', 'f ./a/b/x', 'f ./c')
    expect(await changes(copied(entries, { missing: ['./a', './c'] }), entries)).toEqual({ send: ['./a', './a/b', './a/b/x', './c'], touched: ['.'], directories: ['.'], removed: ['./a', './c'] })
    expect((await changes(copied(entries, { missing: ['./a'] }), tree('f ./c'))).removed).toEqual(['./a'])
  })

  test('the root is never removed', async () => {
    expect(await changes(copied(tree('f ./a'), { missing: ['.'] }), tree('f ./a'))).toMatchObject({ send: ['.'], removed: [] })
  })

  test('of a single file nothing but itself is sent', async () => {
    const file = (ctime: string) => tree(`f ./conf ctime=${ctime}`).slice(1)
    expect(await changes(copied(file('1000')), file('1001'))).toEqual({ send: ['./conf'], touched: [], directories: [], removed: [] })
  })
})
