import type { PlacedEntry } from '../../store/toc-entry.ts'
import { childrenOf, entriesBelow } from '../../store/toc-search.ts'
import type { Place } from './find-place.ts'
import { noEntry, selectEntries } from './select-entries.ts'

/** Entries, and where in their paths the name to be shown begins. */
export type ListedStored = { readonly entries: readonly PlacedEntry[]; readonly from: number }

/** What `ls` shows: of a folder what is in it, of anything else itself, of a glob what it matches; `recursive`: and all that is below. */
export async function* listEntries(place: Place, { recursive }: { readonly recursive: boolean }): AsyncGenerator<ListedStored> {
  const { source, content: { toc } } = place
  const named = await selectEntries(place)
  if (named.how === 'glob') {
    yield* listMatches(place, named.entries, recursive)
    return
  }
  const { entry } = named
  if (entry.type !== 'd') yield { entries: [entry], from: entry.path.lastIndexOf(slash) + 1 }
  else for await (const entries of recursive ? entriesBelow(source, toc, entry.path) : childrenOf(source, toc, entry.path)) yield { entries, from: entry.path.length + 1 }
}

const slash = 0x2f

async function* listMatches(place: Place, found: AsyncGenerator<PlacedEntry[]>, recursive: boolean): AsyncGenerator<ListedStored> {
  let count = 0
  let inside: Buffer | undefined
  for await (const batch of found) {
    count += batch.length
    if (!recursive) {
      yield { entries: batch, from: 2 }
      continue
    }
    for (const entry of batch) {
      if (inside !== undefined && entry.path.subarray(0, inside.length).equals(inside)) continue
      yield { entries: [entry], from: 2 }
      if (entry.type !== 'd') continue
      inside = Buffer.concat([entry.path, Buffer.from('/')])
      for await (const entries of entriesBelow(place.source, place.content.toc, entry.path)) yield { entries, from: 2 }
    }
  }
  if (count === 0) throw await noEntry(place)
}
