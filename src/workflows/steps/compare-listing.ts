import type { ListedEntry } from '../../mounts/mount-access.ts'
import type { TocEntry } from '../../store/toc-entry.ts'
import type { WorkQueue } from './work-queue.ts'

/** Walks a listing and the base's table of contents, both sorted by path, side by side. Yields the paths to be read. */
export async function* compareListing(listing: AsyncIterable<readonly ListedEntry[]>, known: AsyncIterator<TocEntry>, isKept: (listed: ListedEntry, entry: TocEntry) => boolean, queue: WorkQueue): AsyncGenerator<Buffer[]> {
  let base = await known.next()
  for await (const batch of listing) {
    const wanted: Buffer[] = []
    for (const entry of batch) {
      if (entry.type === 's') continue
      while (base.done !== true && Buffer.compare(base.value.path, entry.path) < 0) {
        queue.push({ kind: 'drop', count: 1 })
        base = await known.next()
      }
      const same = base.done !== true && base.value.path.equals(entry.path)
      if (same && base.done !== true && isKept(entry, base.value)) {
        queue.push({ kind: 'keep', count: 1 })
      } else {
        if (same) queue.push({ kind: 'drop', count: 1 })
        queue.push({ kind: 'read', entry })
        wanted.push(entry.path)
      }
      if (same) base = await known.next()
    }
    if (wanted.length > 0) yield wanted
  }
}
