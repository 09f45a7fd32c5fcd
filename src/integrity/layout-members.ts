import { createReadStream } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { Slots } from '../store/slots.ts'
import { cleanPath, type FileMember, type Members } from './member.ts'
import { readMember } from './read-member.ts'

const filesAtOnce = 4
const readBytes = 256 * 1024
const documents = ['index.json', 'manifest.json', 'oci-layout']

/** The files of a directory, each read when it is first asked for. Links are followed inside of it only. */
export class LayoutMembers implements Members {
  readonly #root: string
  readonly #signal: AbortSignal
  readonly #slots = new Slots(filesAtOnce)
  readonly #read = new Map<string, Promise<FileMember | { readonly broken: string } | undefined>>()
  #names: readonly string[] = []

  private constructor(root: string, signal: AbortSignal) {
    this.#root = root
    this.#signal = signal
  }

  /** Throws the system's failure when the directory cannot be read. */
  static async open(path: string, signal: AbortSignal): Promise<LayoutMembers> {
    const root = await realpath(path).catch((thrown: unknown) => {
      throw fromSystemError(thrown, 'cannot open', path)
    })
    const members = new LayoutMembers(root, signal)
    const present = await Promise.all(documents.map(async name => ((await exists(join(root, name))) ? [name] : [])))
    members.#names = present.flat()
    return members
  }

  /** Of the documents that say what is in it: a repository has a million other files. */
  names(): readonly string[] {
    return this.#names
  }

  async find(path: string): Promise<FileMember | { readonly broken: string } | undefined> {
    const clean = cleanPath(path)
    if (clean === undefined) return { broken: 'leads out of the directory' }
    const before = this.#read.get(clean)
    if (before !== undefined) return await before
    const reading = this.#slots.run(() => this.#readFile(clean))
    this.#read.set(clean, reading)
    return await reading
  }

  async #readFile(path: string): Promise<FileMember | { readonly broken: string } | undefined> {
    const full = join(this.#root, path)
    try {
      const real = await realpath(full)
      if (!real.startsWith(`${this.#root}${sep}`)) return { broken: 'leads out of the directory' }
      const { size, isFile } = await lstat(real).then(stats => ({ size: stats.size, isFile: stats.isFile() }))
      if (!isFile) return { broken: 'is not a file' }
      return await readMember(path, size, createReadStream(real, { highWaterMark: readBytes, signal: this.#signal }) as AsyncIterable<Buffer>)
    } catch (thrown) {
      this.#signal.throwIfAborted()
      const errno = errnoOf(thrown)
      if (errno === 'ENOENT' || errno === 'ENOTDIR') return (await exists(full)) ? { broken: 'is a link that leads nowhere' } : undefined
      if (errno === 'ELOOP') return { broken: 'is a link in a circle' }
      throw errno === undefined ? thrown : fromSystemError(thrown, 'cannot read', full)
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(() => true, () => false)
}
