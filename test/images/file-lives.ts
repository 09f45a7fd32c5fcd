import fc from 'fast-check'
import { pack } from 'tar-stream'
import { TarScanner } from '../../src/archive/tar-scanner.ts'

/** What lies at a path; two paths with the same object are hard links of each other, or the same directory at two times. */
type Node = { readonly kind: 'directory' | 'file' | 'symlink'; readonly says: string }

/** Paths without slashes around them, parents too. The root is not in it. */
export type Files = ReadonlyMap<string, Node>

export type Doing =
  | { readonly do: 'write' | 'touch' | 'remove' | 'make directory' | 'own' | 'point'; readonly path: string; readonly says: string }
  | { readonly do: 'link' | 'rename'; readonly path: string; readonly to: string }

export const startingFiles: Files = new Map()

const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map(parts => parts.join('/'))
const says = fc.integer({ min: 0, max: 99 }).map(String)
const doing: fc.Arbitrary<Doing> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('write', 'write', 'touch', 'remove', 'remove', 'make directory', 'own', 'point'), path, says }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('link', 'link', 'rename'), path, to: path }) },
)

/** What a container does from one backup to the next. What is not possible at its moment does nothing. */
export const lifeArbitrary = fc.array(doing, { minLength: 1, maxLength: 9 })

const folderOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('/')))
const isBelow = (name: string, folder: string): boolean => folder === '' || name.startsWith(`${folder}/`)

export function live(before: Files, life: readonly Doing[]): Files {
  const files = new Map(before)
  const remove = (name: string): void => {
    for (const each of [...files.keys()]) if (each === name || isBelow(each, name)) files.delete(each)
  }
  /** Makes the directories that it lies in, as mkdir -p does. */
  const canMake = (name: string): boolean => {
    const folder = folderOf(name)
    if (folder === '' || files.has(folder)) return folder === '' || files.get(folder)?.kind === 'directory'
    if (!canMake(folder)) return false
    files.set(folder, { kind: 'directory', says: '0' })
    return true
  }
  for (const each of life) {
    const there = files.get(each.path)
    switch (each.do) {
      case 'write':
        if ((there !== undefined && there.kind !== 'file') || !canMake(each.path)) break
        replaceEverywhere(files, each.path, { kind: 'file', says: each.says })
        break
      case 'touch':
      case 'own':
        if (there !== undefined) replaceEverywhere(files, each.path, { ...there, says: each.says })
        break
      case 'remove':
        remove(each.path)
        break
      case 'make directory':
        if (there === undefined && canMake(each.path)) files.set(each.path, { kind: 'directory', says: each.says })
        break
      case 'point':
        if (there === undefined && canMake(each.path)) files.set(each.path, { kind: 'symlink', says: each.says })
        break
      case 'link':
        if (there?.kind === 'file' && !files.has(each.to) && canMake(each.to)) files.set(each.to, there)
        break
      case 'rename':
        if (there === undefined || there.kind === 'directory' || files.has(each.to) || !canMake(each.to)) break
        files.set(each.to, there)
        files.delete(each.path)
    }
  }
  return files
}

/** All names of an inode see what is written; a directory keeps what it holds. */
function replaceEverywhere(files: Map<string, Node>, name: string, node: Node): void {
  const old = files.get(name)
  files.set(name, node)
  for (const [each, there] of [...files]) if (each === name || (there === old && there.kind === 'file')) files.set(each, node)
}

type Entry = { readonly name: string; readonly node: Node } | { readonly name: string; readonly mark: 'whiteout' | 'opaque' }

/** As an overlay's upper directory has it: a file that got another name is in it too. A directory in place of something else is opaque. */
export function diffOf(before: Files, after: Files): Entry[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort(byWalk)
  const kept: Entry[] = []
  const opaque: string[] = []
  const newNodes = new Set(names.filter(name => before.get(name) !== after.get(name)).map(name => after.get(name)))
  const isChanged = (name: string): boolean => before.get(name) !== after.get(name) || (after.get(name)?.kind === 'file' && newNodes.has(after.get(name)))
  for (const name of names) {
    const [was, is] = [before.get(name), after.get(name)]
    const isUnderOpaque = opaque.some(folder => isBelow(name, folder))
    if (is === undefined) {
      const folder = folderOf(name)
      if (!isUnderOpaque && (folder === '' || after.get(folder)?.kind === 'directory')) kept.push({ name, mark: 'whiteout' })
      continue
    }
    const isNew = is.kind === 'directory' && was?.kind !== 'directory'
    const holdsChanges = is.kind === 'directory' && names.some(each => isBelow(each, name) && isChanged(each))
    if (!isChanged(name) && !isUnderOpaque && !holdsChanges) continue
    kept.push({ name, node: is })
    if (isNew && was !== undefined) {
      kept.push({ name, mark: 'opaque' })
      opaque.push(name)
    }
  }
  return kept
}

function byWalk(a: string, b: string): number {
  return a.replaceAll('/', '\0') < b.replaceAll('/', '\0') ? -1 : 1
}

export async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack()
  const first = new Map<Node, string>()
  for (const entry of entries) {
    if ('mark' in entry) {
      const [folder, base] = [folderOf(entry.name), entry.name.slice(entry.name.lastIndexOf('/') + 1)]
      tar.entry({ name: entry.mark === 'opaque' ? `${entry.name}/.wh..wh..opq` : `${folder === '' ? '' : `${folder}/`}.wh.${base}` }, '')
      continue
    }
    const { name, node } = entry
    const linkname = first.get(node)
    const uid = Number(node.says)
    if (node.kind === 'directory') tar.entry({ name: `${name}/`, type: 'directory', uid })
    else if (node.kind === 'symlink') tar.entry({ name, type: 'symlink', linkname: 'a', uid })
    else if (linkname !== undefined) tar.entry({ name, type: 'link', linkname, uid })
    else {
      tar.entry({ name, uid }, node.says.repeat(300))
      first.set(node, name)
    }
  }
  tar.finalize()
  const pieces: Buffer[] = []
  for await (const piece of tar) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

type Unpacked = { readonly name: string; readonly mark?: 'whiteout' | 'opaque'; readonly type: string; readonly uid: number; readonly linkName: string; data: string }

function entriesOf(tar: Buffer): Unpacked[] {
  const entries: Unpacked[] = []
  const scanner = new TarScanner({
    onEntry: ({ name: bytes, linkName, type, uid }) => {
      const name = bytes.toString().replace(/\/$/, '')
      const base = name.slice(name.lastIndexOf('/') + 1)
      const folder = folderOf(name)
      const common = { type, uid, linkName: linkName.toString(), data: '' }
      if (base === '.wh..wh..opq') entries.push({ ...common, name: folder, mark: 'opaque' })
      else if (base.startsWith('.wh.')) entries.push({ ...common, name: folder === '' ? base.slice(4) : `${folder}/${base.slice(4)}`, mark: 'whiteout' })
      else entries.push({ ...common, name })
    },
    onData: slice => {
      entries.at(-1)!.data += slice.toString()
    },
  })
  scanner.scan(tar)
  scanner.end()
  return entries
}

/** By the image specification: a layer's marks concern what lies below it, its entries replace what they meet, in their order. */
export function unpack(before: Files, tar: Buffer): Files {
  const files = new Map(before)
  const entries = entriesOf(tar)
  const remove = (name: string, itself: boolean): void => {
    for (const each of [...files.keys()]) if ((itself && each === name) || isBelow(each, name)) files.delete(each)
  }
  for (const { name, mark } of entries) if (mark !== undefined) remove(name, mark === 'whiteout')
  const own = new Set<string>()
  for (const { name, mark, type, uid, linkName, data } of entries) {
    if (mark !== undefined) continue
    if (folderOf(name) !== '' && files.get(folderOf(name))?.kind !== 'directory') throw new Error(`"${name}" comes before the directory that it lies in`)
    if (own.has(name)) throw new Error(`"${name}" comes twice`)
    own.add(name)
    if (type === '1' && !own.has(linkName)) throw new Error(`the link "${name}" comes before its file`)
    const kind = type === '5' ? 'directory' : type === '2' ? 'symlink' : 'file'
    const node = type === '1' ? files.get(linkName)! : { kind, says: String(uid) } as const
    if (kind === 'file' && type !== '1' && data !== String(uid).repeat(300)) throw new Error(`the data of "${name}" is not its own`)
    if (kind !== 'directory' || files.get(name)?.kind !== 'directory') remove(name, true)
    files.set(name, node)
  }
  return files
}

/** One line for each name, with the first name of its inode: two equal trees have equal lines. */
export function filesOf(files: Files): string[] {
  const first = new Map<Node, string>()
  return [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, node]) => {
    if (!first.has(node)) first.set(node, name)
    return `${name} ${node.kind} ${node.says}${first.get(node) === name ? '' : ` is ${first.get(node)}`}`
  })
}

type OverlayLayer = { readonly kinds: ReadonlyMap<string, 'directory' | 'other' | 'whiteout'>; readonly opaque: ReadonlySet<string> }

/**
 * The names that overlayfs lists, with layers from the bottom: a directory of one layer alone is read as it lies there, with the
 * names of whiteouts, which have nothing behind them.
 */
export function namesShownBy(tars: readonly Buffer[]): string[] {
  const layers = [{ kinds: new Map(), opaque: new Set<string>() }, ...tars.map(toOverlayLayer)].reverse()
  const shown: string[] = []
  const list = (folder: string, stack: readonly OverlayLayer[]): void => {
    const seen = new Set<string>()
    for (const { kinds } of stack) {
      for (const [name, kind] of kinds) {
        if (folderOf(name) !== folder || seen.has(name)) continue
        seen.add(name)
        if (kind === 'whiteout' && stack.length > 1) continue
        shown.push(kind === 'whiteout' ? `${name} is not there` : name)
        if (kind === 'directory') list(name, stackOf(name, stack))
      }
    }
  }
  list('', layers)
  return shown.sort()
}

function stackOf(folder: string, layers: readonly OverlayLayer[]): OverlayLayer[] {
  const stack: OverlayLayer[] = []
  for (const layer of layers) {
    const kind = layer.kinds.get(folder)
    if (kind === undefined) continue
    if (kind !== 'directory') break
    stack.push(layer)
    if (layer.opaque.has(folder)) break
  }
  return stack
}

function toOverlayLayer(tar: Buffer): OverlayLayer {
  const kinds = new Map<string, 'directory' | 'other' | 'whiteout'>()
  const opaque = new Set<string>()
  for (const { name, mark, type } of entriesOf(tar)) {
    if (mark === 'opaque') opaque.add(name)
    else kinds.set(name, mark ?? (type === '5' ? 'directory' : 'other'))
  }
  return { kinds, opaque }
}
