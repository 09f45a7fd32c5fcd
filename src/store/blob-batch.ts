import { rename } from 'node:fs/promises'
import { syncFolder } from '../files/atomic-file.ts'
import { Slots } from './slots.ts'

/** Open; a FileHandle, or a descriptor that another thread opened. */
export type OpenFile = { datasync(): Promise<void>; close(): Promise<void> }

export type WrittenFile = { readonly file: OpenFile; readonly temporary: string; readonly path: string; readonly bytes: number; readonly onPlaced: () => void }

const mostFiles = 64
const mostBytes = 64 * 1024 * 1024
/** A sync holds a thread of the pool for as long as the disk takes, and whoever syncs beside it shares a commit: two threads stay for the rest. */
const syncsAtOnce = 6

/**
 * Files that are written and not yet named: a batch is synced in parallel and then renamed, which costs a small part of
 * syncing each for itself. After the first failure everything fails: what was not synced cannot be trusted any more.
 */
export class BlobBatch {
  readonly #folder: string
  readonly #syncs = new Slots(syncsAtOnce)
  #files: WrittenFile[] = []
  #bytes = 0
  #placing: Promise<void> = Promise.resolve()
  #failure: { readonly thrown: unknown } | undefined
  #folderIsSynced = true

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Takes over the open file. Waits while the batch before this one is still being placed. */
  async add(written: WrittenFile): Promise<void> {
    this.#files.push(written)
    this.#bytes += written.bytes
    if (this.#files.length >= mostFiles || this.#bytes >= mostBytes) {
      const before = this.#placing
      this.#start()
      await before
    }
    this.#throwFailure()
  }

  /** Everything added before is on disk under its name when this resolves. */
  async flush(): Promise<void> {
    this.#start()
    await this.#placing
    this.#throwFailure()
    if (this.#folderIsSynced) return
    this.#folderIsSynced = true
    await syncFolder(this.#folder)
  }

  /** Closes the files that were not placed; the caller removes their folder. */
  async discard(): Promise<void> {
    const files = this.#files
    this.#files = []
    await this.#placing
    await Promise.allSettled(files.map(({ file }) => file.close()))
  }

  #start(): void {
    const files = this.#files
    this.#files = []
    this.#bytes = 0
    if (files.length === 0) return
    this.#placing = this.#placing.then(() => this.#place(files)).catch((thrown: unknown) => {
      this.#failure ??= { thrown }
    })
  }

  async #place(files: readonly WrittenFile[]): Promise<void> {
    const synced = await Promise.allSettled(files.map(({ file }) => this.#syncs.run(() => file.datasync())))
    const closed = await Promise.allSettled(files.map(({ file }) => file.close()))
    for (const outcome of [...synced, ...closed]) if (outcome.status === 'rejected') throw outcome.reason
    this.#folderIsSynced = false
    await Promise.all(files.map(async ({ temporary, path, onPlaced }) => {
      await rename(temporary, path)
      onPlaced()
    }))
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.thrown
  }
}
