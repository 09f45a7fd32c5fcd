import type { ListedEntry } from '../../mounts/mount-access.ts'
import type { TocCursor } from '../../store/toc-cursor.ts'
import { factsText, type TocEntry } from '../../store/toc-entry.ts'
import { isSame } from './unchanged.ts'
import type { WorkQueue } from './work-queue.ts'

/** Walks a listing and the base's table of contents, both sorted by path, side by side. Yields the paths to be read. */
export async function* compareListing(listing: AsyncIterable<readonly ListedEntry[]>, base: TocCursor, mayBeKept: (listed: ListedEntry) => boolean, queue: WorkQueue): AsyncGenerator<Buffer[]> {
  for await (const batch of listing) {
    const wanted: Buffer[] = []
    for (const entry of batch) {
      if (entry.type === 's') continue
      let found = find(base, entry)
      while (found === 'later') {
        queue.drop(base.recordBytes)
        await base.step()
        found = find(base, entry)
      }
      if (found !== 'none' && mayBeKept(entry) && (found === 'unchanged' || isSame(entry, base.entry))) {
        keep(queue, base, entry, found)
      } else {
        if (found !== 'none') queue.drop(base.recordBytes)
        queue.read(entry)
        wanted.push(entry.path)
      }
      const stepping = found === 'none' ? undefined : base.step()
      if (stepping) await stepping
    }
    if (wanted.length > 0) yield wanted
  }
}

/** Whether the base has the entry here, as it is or otherwise; `later` when it can only come after this line. */
function find(base: TocCursor, entry: ListedEntry): 'unchanged' | 'there' | 'later' | 'none' {
  if (base.isAtEnd) return 'none'
  if (base.says(entry.path, factsText(entry))) return 'unchanged'
  const order = Buffer.compare(base.path, entry.path)
  return order === 0 ? 'there' : order < 0 ? 'later' : 'none'
}

function keep(queue: WorkQueue, base: TocCursor, listed: ListedEntry, found: 'unchanged' | 'there'): void {
  const { type, size, links }: Pick<TocEntry, 'type' | 'size' | 'links'> = found === 'unchanged' && listed.type !== 's' && listed.links === 1 ? { type: listed.type, size: listed.size } : base.entry
  queue.keep(base.recordBytes, type === 'f' ? size : 0, isHardLink(type, links) ? 1 : 0)
}

/** Whether an entry of a table of contents is one of several names. */
export function isHardLink(type: TocEntry['type'], links: number | undefined): boolean {
  return type === 'h' || (type !== 'd' && (links ?? 1) > 1)
}
