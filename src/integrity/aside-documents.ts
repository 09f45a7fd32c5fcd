/** Documents that are too large or too many to be kept in memory, until it is known which of them count. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DrayError } from '../errors/dray-error.ts'
import { fromSystemError } from '../errors/system-error.ts'
import { makePrivateTempDir } from '../files/private-temp-dir.ts'
import { digestOf } from '../store/digest.ts'
import type { FileMember, PassedFile } from './member.ts'

/** A backup of 2 TB has a quarter of that. */
const mostBytes = 1024 * 1024 * 1024

/** The same file as it is asked for. `readAgain` gives the bytes at a position of where documents were put. */
export function toFileMember(file: PassedFile, readAgain: (position: number, size: number) => Buffer): FileMember {
  const { content, ...rest } = file
  if (content.kind !== 'put aside') return { ...rest, content }
  const bytes = readAgain(content.position, file.size)
  if (digestOf(bytes) !== file.digest) throw new DrayError('io-failed', `"${file.name}" has changed while it was checked`, { hints: ['check it again when nothing writes to it'] })
  return { ...rest, content: { kind: 'document', bytes } }
}

/** From a descriptor. Shorter when the file ends before. */
export function readAt(file: number, position: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size)
  let filled = 0
  for (let length = -1; filled < size && length !== 0; filled += length) length = readSync(file, bytes, filled, size - filled, position + filled)
  return bytes.subarray(0, filled)
}

/** A file for documents that come out of a stream. It has no name, and is gone with the process at the latest. */
export class AsideFile implements AsyncDisposable {
  #file: number | undefined
  #bytes = 0

  readonly read = (position: number, size: number): Buffer => (this.#file === undefined ? Buffer.alloc(0) : readAt(this.#file, position, size))

  /** Its position; undefined when there are more than anything has. */
  async put(document: Buffer): Promise<number | undefined> {
    if (this.#bytes + document.length > mostBytes) return undefined
    try {
      const file = (this.#file ??= await openNameless())
      const position = this.#bytes
      for (let at = 0; at < document.length; ) at += writeSync(file, document, at, document.length - at, position + at)
      this.#bytes += document.length
      return position
    } catch (thrown) {
      throw fromSystemError(thrown, 'cannot put documents aside in', tmpdir())
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
    return Promise.resolve()
  }
}

async function openNameless(): Promise<number> {
  await using folder = await makePrivateTempDir()
  return openSync(join(folder.path, 'documents'), 'wx+', 0o600)
}
