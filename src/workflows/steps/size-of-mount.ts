import type { MountReader } from '../../mounts/mount-access.ts'

export type MountSize = { readonly entries: number; readonly dataBytes: number }

/** Counts entries and the bytes of files; a file with several names counts once for each. */
export async function sizeOf(reader: Pick<MountReader, 'list'>, signal: AbortSignal): Promise<MountSize> {
  let entries = 0
  let dataBytes = 0
  for await (const batch of reader.list(signal)) {
    entries += batch.length
    for (const { type, size } of batch) if (type === 'f') dataBytes += size
  }
  return { entries, dataBytes }
}
