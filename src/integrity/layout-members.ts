import { closeSync, openSync } from 'node:fs'
import { open, lstat, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { readAt, toFileMember } from './aside-documents.ts'
import { BlobMembers } from './blob-members.ts'
import { cleanPath, rootDocuments, type BrokenMember, type FileMember, type Members, type PassedFile } from './member.ts'
import type { MemberThreads } from './member-threads.ts'
import type { Meter } from './meter.ts'

/** The files of a directory, each read when it is first asked for. Links are followed inside of it only. */
export class LayoutMembers implements Members {
  readonly #root: string
  readonly #meter: Meter
  readonly #threads: MemberThreads
  readonly #read = new Map<string, Promise<PassedFile | BrokenMember | undefined>>()
  readonly #blobs = new BlobMembers()
  #names: readonly string[] = []

  private constructor(root: string, meter: Meter, threads: MemberThreads) {
    this.#root = root
    this.#meter = meter
    this.#threads = threads
  }

  /** Throws the system's failure when the directory cannot be read. */
  static async open(path: string, meter: Meter, threads: MemberThreads): Promise<LayoutMembers> {
    const root = await realpath(path).catch((thrown: unknown) => {
      throw fromSystemError(thrown, 'cannot open', path)
    })
    const members = new LayoutMembers(root, meter, threads)
    const present = await Promise.all([...rootDocuments].map(async name => ((await exists(join(root, name))) ? [name] : [])))
    members.#names = present.flat()
    return members
  }

  /** Of the documents that say what is in it: a repository has a million other files. */
  names(): readonly string[] {
    return this.#names
  }

  get size(): number {
    return this.#names.length
  }

  prepare(paths: readonly string[]): void {
    // whoever asks for it again gets its failure
    for (const path of paths) this.find(path).catch(() => undefined)
  }

  async find(path: string): Promise<FileMember | BrokenMember | undefined> {
    const clean = cleanPath(path)
    if (clean === undefined) return { broken: 'leads out of the directory', code: 'path-unsafe' }
    const found = this.#blobs.get(clean) ?? (await this.#findOnce(clean))
    return found === undefined || 'broken' in found ? found : toFileMember(found, (position, size) => this.#readAgain(clean, position, size))
  }

  async #findOnce(path: string): Promise<PassedFile | BrokenMember | undefined> {
    const before = this.#read.get(path)
    if (before !== undefined) return await before
    const reading = this.#readFile(path)
    this.#read.set(path, reading)
    const found = await reading
    if (found !== undefined && 'content' in found && this.#blobs.set(path, found)) this.#read.delete(path)
    return found
  }

  #readAgain(path: string, position: number, size: number): Buffer {
    const full = join(this.#root, path)
    try {
      const file = openSync(full, 'r')
      try {
        return readAt(file, position, size)
      } finally {
        closeSync(file)
      }
    } catch (thrown) {
      throw fromSystemError(thrown, 'cannot read', full)
    }
  }

  async #readFile(path: string): Promise<PassedFile | BrokenMember | undefined> {
    const full = join(this.#root, path)
    try {
      const real = await realpath(full)
      if (!real.startsWith(`${this.#root}${sep}`)) return { broken: 'leads out of the directory', code: 'path-unsafe' }
      const { size, isFile } = await lstat(real).then(stats => ({ size: stats.size, isFile: stats.isFile() }))
      if (!isFile) return { broken: 'is not a file', code: 'member-not-a-file' }
      await using file = await open(real, 'r')
      return await this.#threads.perform({ name: path, file: file.fd, position: 0, size, shared: this.#meter.shared })
    } catch (thrown) {
      const errno = errnoOf(thrown)
      if (errno === 'ENOENT' || errno === 'ENOTDIR') return (await exists(full)) ? { broken: 'is a link that leads nowhere', code: 'member-not-a-file' } : undefined
      if (errno === 'ELOOP') return { broken: 'is a link in a circle', code: 'member-not-a-file' }
      throw errno === undefined ? thrown : fromSystemError(thrown, 'cannot read', full)
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(() => true, () => false)
}
