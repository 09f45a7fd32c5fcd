import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { pack } from 'tar-stream'
import { mergeLayers } from '../../../src/archive/merge-layers.ts'
import { TarScanner } from '../../../src/archive/tar-scanner.ts'

type Entry =
  | { readonly type: 'file'; readonly name: string; readonly data: string; readonly links: readonly string[] }
  | { readonly type: 'directory'; readonly name: string; readonly uid: number }
  | { readonly type: 'whiteout'; readonly name: string }
  | { readonly type: 'opaque'; readonly name: string }
type Layer = readonly Entry[]

/** What lies at each path: a directory's owner, or a file's content with the name of the inode that it shares. */
type Files = Map<string, string>

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
const isBelow = (path: string, folder: string): boolean => folder === '' || path.startsWith(`${folder}/`)

/** By the image specification: a layer's whiteouts concern what lies below it, and its entries replace what they meet. */
function apply(files: Files, layer: Layer): Files {
  const result = new Map(files)
  const remove = (path: string): void => {
    for (const each of [...result.keys()]) if (each === path || isBelow(each, path)) result.delete(each)
  }
  for (const { type, name } of layer) {
    if (type === 'whiteout') remove(name)
    if (type === 'opaque') for (const each of [...result.keys()]) if (isBelow(each, name) && each !== name) result.delete(each)
  }
  for (const entry of layer) {
    if (entry.type === 'directory') {
      if (result.get(entry.name)?.startsWith('d') !== true) remove(entry.name)
      result.set(entry.name, `d${entry.uid}`)
    } else if (entry.type === 'file') {
      for (const name of [entry.name, ...entry.links]) {
        remove(name)
        result.set(name, `f${entry.data}`)
      }
    }
  }
  return result
}

async function tarOf(layer: Layer): Promise<Buffer> {
  const tar = pack()
  for (const entry of layer) {
    if (entry.type === 'directory') tar.entry({ name: `${entry.name}/`, type: 'directory', uid: entry.uid })
    else if (entry.type === 'whiteout') tar.entry({ name: [folderOf(entry.name), `.wh.${entry.name.slice(folderOf(entry.name) === '' ? 0 : folderOf(entry.name).length + 1)}`].filter(part => part !== '').join('/') }, '')
    else if (entry.type === 'opaque') tar.entry({ name: `${entry.name}/.wh..wh..opq` }, '')
    else {
      tar.entry({ name: entry.name }, entry.data)
      for (const link of entry.links) tar.entry({ name: link, type: 'link', linkname: entry.name })
    }
  }
  tar.finalize()
  const pieces: Buffer[] = []
  for await (const piece of tar) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

function layerOf(tar: Buffer): Entry[] {
  const entries: Entry[] = []
  const data = new Map<string, string>()
  let passing = ''
  const scanner = new TarScanner({
    onEntry: ({ name: bytes, linkName, type, uid }) => {
      passing = ''
      const name = bytes.toString().replace(/\/$/, '')
      const base = name.slice(name.lastIndexOf('/') + 1)
      if (type === '5') entries.push({ type: 'directory', name, uid })
      else if (base === '.wh..wh..opq') entries.push({ type: 'opaque', name: folderOf(name) })
      else if (base.startsWith('.wh.')) entries.push({ type: 'whiteout', name: [folderOf(name), base.slice(4)].filter(part => part !== '').join('/') })
      else if (type === '1') {
        expect([...data.keys()]).toContain(linkName.toString())
        entries.push({ type: 'file', name, data: data.get(linkName.toString())!, links: [] })
      } else data.set((passing = name), '')
    },
    onData: slice => data.set(passing, data.get(passing)! + slice.toString()),
    onEntryEnd: () => passing !== '' && entries.push({ type: 'file', name: passing, data: data.get(passing)!, links: [] }),
  })
  scanner.scan(tar)
  scanner.end()
  return entries
}

const segment = fc.constantFrom('a', 'b', 'c')
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/'))
const change: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({ type: fc.constant('file' as const), name: path, data: fc.string({ maxLength: 700, unit: 'grapheme-ascii' }).filter(text => !text.includes('\0')), links: fc.array(path, { maxLength: 2 }) }),
  fc.record({ type: fc.constant('directory' as const), name: path, uid: fc.nat({ max: 9 }) }),
  fc.record({ type: fc.constant('whiteout' as const), name: path }),
  fc.record({ type: fc.constant('opaque' as const), name: path }),
)

/** As an engine writes one: no name twice, parents first and directories, nothing removed that it also makes. */
const layer = fc.array(change, { maxLength: 8 }).map((changes): Layer => {
  const kinds = new Map<string, string>()
  const kept: Entry[] = []
  const parentsAreDirectories = (name: string): boolean => {
    for (let folder = folderOf(name); folder !== ''; folder = folderOf(folder)) if (!['directory', undefined].includes(kinds.get(folder))) return false
    return true
  }
  const makeParents = (name: string): void => {
    const folder = folderOf(name)
    if (folder === '' || kinds.has(folder)) return
    makeParents(folder)
    kinds.set(folder, 'directory')
    kept.push({ type: 'directory', name: folder, uid: 0 })
  }
  const isFree = (name: string): boolean => !kinds.has(name) && parentsAreDirectories(name) && ![...kinds.keys()].some(each => isBelow(each, name))
  for (const entry of changes) {
    if (entry.type === 'opaque') {
      if (!parentsAreDirectories(`${entry.name}/x`) || kept.some(({ type, name }) => type === 'opaque' && name === entry.name)) continue
      makeParents(`${entry.name}/x`)
      kept.push(entry)
      continue
    }
    if (!isFree(entry.name)) continue
    makeParents(entry.name)
    kinds.set(entry.name, entry.type)
    if (entry.type !== 'file') {
      kept.push(entry)
      continue
    }
    const links = entry.links.filter(link => {
      if (!isFree(link)) return false
      makeParents(link)
      kinds.set(link, 'file')
      return true
    })
    kept.push({ ...entry, links })
  }
  return kept
})

async function* inPieces(tar: Buffer, size: number): AsyncGenerator<Buffer> {
  await Promise.resolve()
  for (let at = 0; at < tar.length; at += size) yield tar.subarray(at, at + size)
}

const sorted = (files: Files): [string, string][] => [...files].sort()

describe('mergeLayers', () => {
  test('does to what lies below the same as the layers one after the other', async () => {
    await fc.assert(fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 3 }), fc.array(layer, { minLength: 1, maxLength: 4 }), fc.integer({ min: 100, max: 5000 }), async (below, layers, size) => {
      const base = below.reduce(apply, new Map<string, string>())
      const tars = await Promise.all(layers.map(tarOf))
      const merged: Buffer[] = []
      const lower = await Promise.all(below.map(tarOf))
      for await (const piece of mergeLayers(tars.map(tar => () => inPieces(tar, size)), lower.map(tar => () => inPieces(tar, size)))) merged.push(Buffer.from(piece))
      const entries = layerOf(Buffer.concat(merged))
      expect(sorted(apply(base, entries))).toEqual(sorted(layers.reduce(apply, base)))
      const names = entries.map(({ type, name }) => `${type === 'opaque' ? 'opaque ' : ''}${name}`)
      expect(names).toEqual([...new Set(names)])
    }), { numRuns: 400 })
  })

  test('passes entries byte for byte', async () => {
    const tar = await tarOf([{ type: 'directory', name: 'a', uid: 5 }, { type: 'file', name: 'a/b', data: 'x'.repeat(600), links: ['a/c'] }])
    const merged: Buffer[] = []
    for await (const piece of mergeLayers([() => inPieces(tar, 512)], [])) merged.push(Buffer.from(piece))
    expect(Buffer.concat(merged).equals(tar.subarray(0, Buffer.concat(merged).length))).toBe(true)
  })
})
