import { bytesOf } from '../store/chunk-ref.ts'
import type { readMountPart } from '../store/mount-manifest.ts'

/** What is kept of a part, to see whether the parts fit together: little, as there are many. */
export type PartFacts = {
  readonly mount: string
  readonly part: number
  readonly parts: number
  readonly tarBytes: number
  readonly entries: number
  /** Where the chunks of its table of contents begin. */
  readonly offsets: Float64Array
  /** What the description says of the whole. */
  readonly said: { readonly tarBytes: unknown; readonly entries: unknown }
}

export function factsOfPart({ description, part, parts, content: { chunks, toc } }: Awaited<ReturnType<typeof readMountPart>>): PartFacts {
  const offsets = Float64Array.from(toc.chunks, ({ offset }) => offset)
  const entries = toc.chunks.reduce((sum, chunk) => sum + chunk.entries, 0)
  return { mount: description.id, part, parts, tarBytes: bytesOf(chunks), entries, offsets, said: { tarBytes: description['tarBytes'], entries: description['entries'] } }
}

/** What does not fit together, in words. A part that could not be read (undefined) is a finding of its own: nothing is said then. */
export function* checkMountParts(id: string, parts: readonly (PartFacts | undefined)[]): Generator<string> {
  const read = parts.filter(part => part !== undefined).sort((a, b) => a.part - b.part)
  if (read.length < parts.length) return
  const [first] = read
  if (first?.parts !== read.length || !read.every(({ part, parts: of }, at) => part === at + 1 && of === first.parts)) {
    yield `parts ${read.map(({ part, parts: of }) => `${part}/${of}`).join(', ')}`
    return
  }
  for (const { mount } of read) if (mount !== id) yield `it is called "${mount}" by its config`
  const sum = (of: (part: PartFacts) => number): number => read.reduce((total, part) => total + of(part), 0)
  const [tarBytes, entries] = [sum(part => part.tarBytes), sum(part => part.entries)]
  const { said } = first
  if (typeof said.tarBytes === 'number' && said.tarBytes !== tarBytes) yield `its chunks have ${tarBytes} bytes, its description says ${said.tarBytes}`
  if (typeof said.entries === 'number' && said.entries !== entries) yield `its table of contents has ${entries} entries, its description says ${said.entries}`
  let before: number | undefined
  for (const offset of read.flatMap(({ offsets }) => [...offsets])) {
    if (before === undefined ? offset !== 0 : offset <= before) yield `a chunk of its table of contents begins at byte ${offset}, after one at ${before ?? 'none'}`
    before = offset
  }
  if (before !== undefined && before >= Math.max(tarBytes, 1)) yield `its table of contents goes on at byte ${before}, its tar has ${tarBytes}`
}
