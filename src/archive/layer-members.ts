import type { TarEntry } from './tar-entry.ts'
import { TarScanner } from './tar-scanner.ts'

/** The plain tar of a layer from its beginning, as often as it is asked for. */
export type LayerSource = () => AsyncIterable<Buffer>

/** An entry with its headers as they are. `body`: data and padding, to be read to its end before the next member comes. */
export type LayerMember = { readonly entry: TarEntry; readonly headers: readonly Buffer[]; readonly body: AsyncGenerator<Buffer> }

type Event = Omit<LayerMember, 'body'> | Buffer | 'end'

/** All members of a layer. Throws `damaged` unless it is whole. */
export async function* membersOf(tar: AsyncIterable<Buffer>): AsyncGenerator<LayerMember> {
  const events = eventsOf(tar)
  for (let event = await events.next(); event.done !== true; event = await events.next()) {
    if (event.value === 'end' || Buffer.isBuffer(event.value)) continue
    yield { ...event.value, body: bodyOf(events) }
  }
}

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
