import { setInterval } from 'node:timers'
import { ReadingState } from '../store/check-blob.ts'
import { inParallel } from '../store/in-parallel.ts'
import type { BlobKind, TableEntry } from './blob-table.ts'
import type { CheckingBlobs } from './checking-blobs.ts'

const progressEveryMs = 200

export type BlobsJob = {
  readonly checking: CheckingBlobs
  /** What of this kind is read: all, none, or a random share of them. Of the rest it is only looked whether it is there. */
  readonly shareOf: (kind: BlobKind) => number
  /** So many at a time: more than one where they are worth threads of their own. */
  readonly atOnce: number
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

export type BlobsRead = { blobs: number; bytes: number }

/** Checks every blob that is known and not checked yet. Returns what was read. */
export async function checkBlobs({ checking, shareOf, atOnce, onBytes, signal }: BlobsJob): Promise<BlobsRead> {
  const state = new ReadingState()
  const read: BlobsRead = { blobs: 0, bytes: 0 }
  let told = 0
  const tell = (): void => {
    const { bytes } = state
    onBytes(bytes - told)
    told = bytes
  }
  const progress = setInterval(tell, progressEveryMs)
  const stop = (): void => state.stop()
  signal.addEventListener('abort', stop)
  try {
    await inParallel(checking.table.entries(), atOnce, async entry => {
      signal.throwIfAborted()
      if (entry.state !== 'unchecked') return
      const isRead = Math.random() < shareOf(entry.kind)
      if (isRead) count(read, entry)
      await checking.isSound(entry, isRead ? 'read' : 'look', state)
    })
    signal.throwIfAborted()
  } catch (thrown) {
    state.stop()
    throw thrown
  } finally {
    signal.removeEventListener('abort', stop)
    clearInterval(progress)
    tell()
  }
  return read
}

function count(read: BlobsRead, { size }: TableEntry): void {
  read.blobs++
  read.bytes += size
}
