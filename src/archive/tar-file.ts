import { readSync } from 'node:fs'
import { handOther, isPlainFile, memberName, MemberCount, type OtherMembers } from './image-archive.ts'
import { blockBytes } from './tar-header.ts'
import { TarScanner } from './tar-scanner.ts'

const windowBytes = 64 * 1024
/** Where a cut tar may end with a message. */
const tailBytes = 4096

export type TarFileReader = OtherMembers & {
  /** Where the data of a file lies. */
  onFile(name: string, size: number, position: number): void
  /** Awaited now and then, before more of them are looked for. */
  onPause?(): Promise<void> | void
}

/**
 * Finds the members of a tar that can be read at any place, by its headers alone. Throws `damaged` unless the tar is whole and its end
 * is proven; and what reading the file throws.
 */
export async function walkTarFile(file: number, fileBytes: number, reader: TarFileReader, signal: AbortSignal): Promise<void> {
  const members = new MemberCount()
  const scanner = new TarScanner({
    onEntry: entry => {
      members.add(entry)
      if (isPlainFile(entry)) reader.onFile(memberName(entry), entry.size, entry.dataStart)
      else handOther(entry, reader)
    },
  })
  const window = Buffer.allocUnsafeSlow(windowBytes)
  for (let position = 0; position < fileBytes; position = scanner.position) {
    signal.throwIfAborted()
    const skipped = Math.min(scanner.dataLeft, Math.max(0, fileBytes - tailBytes - position))
    if (skipped > 0) {
      scanner.skipData(skipped)
      continue
    }
    const length = readSync(file, window, 0, windowBytes, position)
    if (length === 0) break
    scanWindow(scanner, window.subarray(0, length), fileBytes)
    await reader.onPause?.()
  }
  scanner.end()
}

/** Header by header, as a scanner that is given more would pass over the data that follows. Ends before data that goes on behind the window. */
function scanWindow(scanner: TarScanner, window: Buffer, fileBytes: number): void {
  const start = scanner.position
  const end = start + window.length
  const isTail = fileBytes - end <= tailBytes
  while (scanner.position < end) {
    const { position, dataLeft } = scanner
    if (position + dataLeft > end && !isTail) return
    const step = scanner.endedAt !== undefined ? window.length : dataLeft > 0 ? dataLeft : blockBytes - (position % blockBytes)
    scanner.scan(window.subarray(position - start, position - start + step))
  }
}
