import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { isLostContent } from '../errors/lost-content.ts'
import { errnoOf } from '../errors/system-error.ts'
import type { Digest } from './oci.ts'

const pieceBytes = 1024 * 1024

/** What is wrong with the file of a blob. `found` is its size or its digest, or the words of the system. */
export type BlobProblem = { readonly problem: 'missing' | 'not a file' | 'size' | 'content' | 'unreadable'; readonly found?: string }

/** Shared between threads: the bytes that were read so far, and whether to stop. */
export class ReadingState {
  readonly shared: BigInt64Array

  constructor(shared: BigInt64Array = new BigInt64Array(new SharedArrayBuffer(16))) {
    this.shared = shared
  }

  get bytes(): number {
    return Number(Atomics.load(this.shared, 0))
  }

  get isStopped(): boolean {
    return Atomics.load(this.shared, 1) !== 0n
  }

  add(bytes: number): void {
    Atomics.add(this.shared, 0, BigInt(bytes))
  }

  stop(): void {
    Atomics.store(this.shared, 1, 1n)
  }
}

let memory: Buffer | undefined

/**
 * Reads the file to its end, by the thread that calls, and compares it with the blob's size and digest. Undefined when all is
 * well, or when it was stopped. Throws the system's error when it may not be read at all.
 */
export function checkBlobFile({ path, digest, size, state }: { readonly path: string; readonly digest: Digest; readonly size: number; readonly state: ReadingState }): BlobProblem | undefined {
  try {
    const descriptor = openSync(path, 'r')
    try {
      const found = fstatSync(descriptor)
      if (!found.isFile()) return { problem: 'not a file', found: found.isDirectory() ? 'a directory' : 'a special file' }
      if (found.size !== size) return { problem: 'size', found: `${found.size} bytes` }
      const hash = createHash('sha256')
      memory ??= Buffer.allocUnsafeSlow(pieceBytes)
      for (let length = -1; length !== 0;) {
        if (state.isStopped) return undefined
        length = readSync(descriptor, memory, 0, pieceBytes, null)
        hash.update(memory.subarray(0, length))
        state.add(length)
      }
      const content = `sha256:${hash.digest('hex')}`
      return content === digest ? undefined : { problem: 'content', found: content }
    } finally {
      closeSync(descriptor)
    }
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return { problem: 'missing' }
    if (isLostContent(thrown)) return { problem: 'unreadable', found: (thrown as Error).message }
    throw thrown
  }
}
