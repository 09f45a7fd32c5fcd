import { noteOldGarbage } from '../archive/young-garbage.ts'
import { isImagePart } from './appearance.ts'
import { BlobMembers } from './blob-members.ts'
import { cleanPath, type PassedFile, type Member } from './member.ts'
import { MemberThreads } from './member-threads.ts'
import { NameBytes } from './name-bytes.ts'

/** Large enough for all files of all archives that engines write: they are read largest first. */
const mostTogether = 4096

/** What is made for each of them, and lives until all have been read. */
const objectBytes = 1024

export const unreadFile = 'a file that was not read'

/** A file that was found, and can be read where it is. */
export type FoundFile = { readonly name: string; readonly size: number; readonly position: number }

/**
 * Reads the files of an archive side by side, thousands together, and adds them in their order. Nothing is read before there is a
 * name that only images have: what is no image is told by its names.
 */
export class ReadAhead {
  readonly #members: { add(member: Member): void }
  readonly #readFile: (file: FoundFile) => Promise<PassedFile>
  #found: (Member | FoundFile)[] = []
  #isWorthIt = false
  readonly #names = new NameBytes()

  constructor(members: { add(member: Member): void }, readFile: (file: FoundFile) => Promise<PassedFile>) {
    this.#members = members
    this.#readFile = readFile
  }

  add(each: Member | FoundFile): void {
    this.#isWorthIt ||= isImagePart(cleanPath(each.name) ?? '')
    const isBlob = 'position' in each && BlobMembers.isName(cleanPath(each.name) ?? '')
    if (this.#names.fit({ name: each.name, isBlob, ...('target' in each ? { target: each.target } : {}) })) this.#found.push(each)
  }

  /** Names without measure are passed over. */
  get hasTooManyNames(): boolean {
    return this.#names.areTooMany
  }

  async readWhenFull(): Promise<void> {
    if (this.#isWorthIt && this.#found.length >= mostTogether) await this.read()
  }

  /** What was added since the last time. */
  async read(): Promise<void> {
    const found = this.#found
    noteOldGarbage(found.length * objectBytes)
    this.#found = []
    const jobs = found.flatMap((each, at) => ('position' in each && this.#isWorthIt ? [{ at, file: each }] : [])).sort((one, other) => other.file.size - one.file.size)
    const read = new Map<number, PassedFile>()
    const perform = async ({ at, file }: (typeof jobs)[number]): Promise<void> => {
      read.set(at, await this.#readFile(file))
    }
    await Promise.all(jobs.filter(({ file }) => !MemberThreads.isSmall(file)).map(perform))
    for (const job of jobs) if (MemberThreads.isSmall(job.file)) await perform(job)
    for (const [at, each] of found.entries()) {
      this.#members.add('position' in each ? (read.get(at) ?? { kind: 'other', name: each.name, what: unreadFile }) : each)
    }
  }
}
