import { DrayError } from '../errors/dray-error.ts'
import { LayerCover, toLayerPath, whiteoutOf, type LayerPath } from './layer-cover.ts'
import { extendedHeader, markerHeader } from './pax-header.ts'
import type { TarEntry } from './tar-entry.ts'
import { blockBytes } from './tar-header.ts'
import { TarScanner } from './tar-scanner.ts'

/** The plain tar of a layer from its beginning, as often as it is asked for. */
export type LayerSource = () => AsyncIterable<Buffer>

/**
 * One layer that does to whatever lies below the same as these do one after the other, given from the bottom: what an upper
 * one hides is left out, whiteouts and opaque directories stay. Entries pass byte for byte, the topmost layer's first; only
 * where the first name of a file with several was taken away, the next one gets its data. Memory grows with the number of
 * names. Equal layers give an equal one. Throws `damaged` unless each tar is whole. Global headers, which no engine writes,
 * are not understood.
 */
export async function* mergeLayers(layers: readonly LayerSource[]): AsyncGenerator<Buffer> {
  const cover = new LayerCover()
  for (const open of [...layers].reverse()) {
    const moves = cover.isEmpty ? new Map<LayerPath, LayerPath>() : await findMoves(open, cover)
    const marks: LayerPath[] = []
    const moved = new Set<LayerPath>()
    for await (const member of membersOf(open())) {
      const headers = keptHeaders(member, { cover, moves, moved, marks })
      if (headers !== undefined) yield* headers
      for await (const piece of member.body) if (headers !== undefined) yield piece
    }
    for (const first of moves.keys()) if (!moved.has(first)) throw new DrayError('damaged', `a layer has a link to "${first}", and no such file`)
    for (const path of marks) yield markerHeader(Buffer.from(`${path}/.wh..wh..opq`, 'latin1'))
    cover.close()
  }
  yield Buffer.alloc(2 * blockBytes)
}

type Member = { readonly entry: TarEntry; readonly headers: readonly Buffer[]; readonly body: AsyncGenerator<Buffer> }

type Passing = {
  readonly cover: LayerCover
  /** Of files whose first name is hidden the first name that is not. */
  readonly moves: ReadonlyMap<LayerPath, LayerPath>
  /** Those whose data has gone out. */
  readonly moved: Set<LayerPath>
  /** Directories that have to become opaque. */
  readonly marks: LayerPath[]
}

/** What goes out before the member's data; undefined when the member does not. */
function keptHeaders({ entry, headers }: Member, { cover, moves, moved, marks }: Passing): readonly Buffer[] | undefined {
  const path = toLayerPath(entry.name)
  const outcome = cover.take(path, entry.type === '5')
  if (outcome === 'opaque') marks.push(whiteoutOf(path) ?? path)
  if (entry.type === '1') {
    const first = moves.get(toLayerPath(entry.linkName))
    if (first === path || outcome !== 'kept') return undefined
    return first === undefined ? headers : renamed(entry, headers, 'linkpath', first)
  }
  if (outcome === 'kept') return headers
  const next = moves.get(path)
  if (next === undefined) return undefined
  moved.add(path)
  return renamed(entry, headers, 'path', next)
}

async function findMoves(open: LayerSource, cover: LayerCover): Promise<Map<LayerPath, LayerPath>> {
  const moves = new Map<LayerPath, LayerPath>()
  for await (const { entry, body } of membersOf(open())) {
    const [path, target] = [toLayerPath(entry.name), toLayerPath(entry.linkName)]
    if (entry.type === '1' && !moves.has(target) && cover.hides(target) && !cover.hides(path)) moves.set(target, path)
    while ((await body.next()).done !== true);
  }
  return moves
}

/** The same entry with another name or link target, which a PAX record says: its own header follows it as it was. */
function renamed({ paxRecords, name, linkName, type }: TarEntry, headers: readonly Buffer[], record: 'path' | 'linkpath', value: LayerPath): readonly Buffer[] {
  const own = Buffer.concat(headers)
  const names = { path: name, ...(type === '1' ? { linkpath: linkName } : {}), [record]: Buffer.from(value, 'latin1') }
  const records = new Map([...paxRecords, ...Object.entries(names)])
  return [extendedHeader(records), own.subarray(own.length - blockBytes)]
}

type Event = Omit<Member, 'body'> | Buffer | 'end'

async function* membersOf(tar: AsyncIterable<Buffer>): AsyncGenerator<Member> {
  const events = eventsOf(tar)
  for (let event = await events.next(); event.done !== true; event = await events.next()) {
    if (event.value === 'end' || Buffer.isBuffer(event.value)) continue
    yield { ...event.value, body: bodyOf(events) }
  }
}

/** Data and padding up to the end of the member. To be read to its end. */
async function* bodyOf(events: AsyncGenerator<Event>): AsyncGenerator<Buffer> {
  for (let event = await events.next(); event.done !== true && event.value !== 'end'; event = await events.next()) {
    if (Buffer.isBuffer(event.value)) yield event.value
  }
}

async function* eventsOf(tar: AsyncIterable<Buffer>): AsyncGenerator<Event> {
  let events: Event[] = []
  let headers: Buffer[] = []
  let left = 0
  const scanner = new TarScanner({
    onEntry: entry => {
      events.push({ entry, headers })
      headers = []
      left = entry.recordEnd - entry.dataStart
      if (left === 0) events.push('end')
    },
    onRaw: (slice, part) => {
      if (part === 'header') headers.push(Buffer.from(slice))
      if (part !== 'data' && part !== 'padding') return
      events.push(slice)
      left -= slice.length
      if (left === 0) events.push('end')
    },
  })
  for await (const bytes of tar) {
    scanner.scan(bytes)
    yield* events
    events = []
  }
  scanner.end()
}
