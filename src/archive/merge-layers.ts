import { DrayError } from '../errors/dray-error.ts'
import { marksThatHide } from './hiding-marks.ts'
import { LayerCover, opaqueFolderOf, opaqueMarkerOf, toLayerPath, whiteoutOf, type LayerPath } from './layer-cover.ts'
import { membersOf, type LayerMember, type LayerSource } from './layer-members.ts'
import { findMoves, type Move } from './moved-files.ts'
import { extendedHeader, markerHeader } from './pax-header.ts'
import type { TarEntry } from './tar-entry.ts'
import { blockBytes } from './tar-header.ts'

/**
 * One layer that does to the layers `below` the same as these do one after the other, all given from the bottom: what an upper
 * one hides is left out, and of whiteouts and opaque markers, which come last, those stay that hide something below. Entries
 * pass byte for byte, the topmost layer's first; only where the first name of a file with several was taken away, the next one
 * gets its data. Memory grows with the number of names. Equal layers give an equal one. Throws `damaged` unless each tar is
 * whole. Global headers, which no engine writes, are not understood.
 */
export async function* mergeLayers(layers: readonly LayerSource[], below: readonly LayerSource[]): AsyncGenerator<Buffer> {
  const cover = new LayerCover()
  const marks: LayerPath[] = []
  for (const open of [...layers].reverse()) {
    const moves = cover.isEmpty ? new Map<LayerPath, Move>() : await findMoves(open, cover)
    const passing: Passing = { cover, moves, moved: new Set(), folders: new Set(), marks }
    for await (const member of membersOf(open())) {
      const headers = keptHeaders(member, passing)
      if (headers !== undefined) yield* headers
      for await (const piece of member.body) if (headers !== undefined) yield piece
    }
    for (const first of moves.keys()) if (!passing.moved.has(first)) throw new DrayError('damaged', `a layer has a link to "${first}", and no such file`)
    cover.close()
  }
  for (const path of await marksThatHide(marks, below)) yield markerHeader(Buffer.from(path, 'latin1'))
  yield Buffer.alloc(2 * blockBytes)
}

type Passing = {
  readonly cover: LayerCover
  readonly moves: ReadonlyMap<LayerPath, Move>
  /** Files whose data has gone out under another name. */
  readonly moved: Set<LayerPath>
  /** Directories that have gone out. */
  readonly folders: Set<LayerPath>
  /** Whiteouts and opaque markers that no upper layer makes needless. */
  readonly marks: LayerPath[]
}

/** What goes out before the member's data; undefined when the member does not. */
function keptHeaders({ entry, headers }: LayerMember, passing: Passing): readonly Buffer[] | undefined {
  const { cover, moves, moved, folders, marks } = passing
  const path = toLayerPath(entry.name)
  const isDirectory = entry.type === '5'
  if (isDirectory && folders.has(path)) return undefined
  const outcome = cover.take(path, isDirectory)
  if (outcome === 'opaque') marks.push(opaqueMarkerOf(whiteoutOf(path) ?? path))
  if (whiteoutOf(path) !== undefined || opaqueFolderOf(path) !== undefined) {
    if (outcome === 'kept') marks.push(path)
    return undefined
  }
  if (entry.type === '1') {
    const first = moves.get(toLayerPath(entry.linkName))?.to
    if (first === path || outcome !== 'kept') return undefined
    return first === undefined ? headers : renamed(entry, headers, 'linkpath', first)
  }
  if (outcome === 'kept') {
    if (isDirectory) folders.add(path)
    return headers
  }
  const move = moves.get(path)
  if (move === undefined) return undefined
  moved.add(path)
  return [...missingFolders(move, passing), ...renamed(entry, headers, 'path', move.to)]
}

/** The directories that the moved file lies in: a file that came first would make its engine invent them, or follow a link below. */
function missingFolders({ folders }: Move, passing: Passing): Buffer[] {
  return folders.flatMap(({ path, headers }) => {
    if (passing.folders.has(path) || passing.cover.take(path, true) !== 'kept') return []
    passing.folders.add(path)
    return headers
  })
}

/** The same entry with another name or link target, which a PAX record says: its own header follows it as it was. */
function renamed({ paxRecords, name, linkName, type }: TarEntry, headers: readonly Buffer[], record: 'path' | 'linkpath', value: LayerPath): readonly Buffer[] {
  const own = Buffer.concat(headers)
  const names = { path: name, ...(type === '1' ? { linkpath: linkName } : {}), [record]: Buffer.from(value, 'latin1') }
  const records = new Map([...paxRecords, ...Object.entries(names)])
  return [extendedHeader(records), own.subarray(own.length - blockBytes)]
}
