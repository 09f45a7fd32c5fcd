import type { ListedEntry, MountReader } from '../../mounts/mount-access.ts'

export type MountSize = { readonly entries: number; readonly dataBytes: number }

/** Counts entries and the bytes of files; a file with several names counts once for each. */
export async function sizeOf(reader: Pick<MountReader, 'list'>, signal: AbortSignal): Promise<MountSize> {
  const { entries, dataBytes } = await measureMount(reader, signal)
  return { entries, dataBytes }
}

export type MeasuredMount = MountSize & { readonly largest?: { readonly path: string; readonly bytes: number } }

/** And the file that holds the most. */
export async function measureMount(reader: Pick<MountReader, 'list'>, signal: AbortSignal): Promise<MeasuredMount> {
  let entries = 0
  let dataBytes = 0
  let largest: ListedEntry | undefined
  for await (const batch of reader.list(signal)) {
    entries += batch.length
    for (const entry of batch) {
      if (entry.type !== 'f') continue
      dataBytes += entry.size
      if (largest === undefined || entry.size > largest.size) largest = entry
    }
  }
  return { entries, dataBytes, ...(largest === undefined ? {} : { largest: { path: largest.path.toString().replace(/^\.\//, ''), bytes: largest.size } }) }
}
