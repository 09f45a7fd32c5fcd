import { DrayError } from '../errors/dray-error.ts'
import { readImageArchive, memberName, tooManyMembers, type OtherMembers } from '../archive/image-archive.ts'
import { takesMemory } from '../archive/system-decoder.ts'
import { walkTarFile } from '../archive/tar-file.ts'
import { tarEndsWithMessage, tarHasNoEnd, tarIsCut } from '../archive/tar-scanner.ts'
import { isImagePart } from './appearance.ts'
import { readAt, toFileMember, type AsideFile } from './aside-documents.ts'
import { BlobMembers } from './blob-members.ts'
import type { Findings } from './finding.ts'
import type { FindingCode } from './finding-codes.ts'
import { cleanPath, type BrokenMember, type FileMember, type LinkMember, type Member, type Members, type PassedFile } from './member.ts'
import type { Begun } from './image-report.ts'
import type { MemberThreads } from './member-threads.ts'
import type { Meter } from './meter.ts'
import { longestName, NameBytes, tooManyNames } from './name-bytes.ts'
import { ReadAhead, unreadFile } from './read-ahead.ts'
import { readMember } from './read-member.ts'

const mostLinks = 40

/** The reasons of a DrayError of the stream that the tar comes out of. */
export const expandsTooMuch = 'expands too much'
export const badCompression = 'bad compression'

const codeOfReason = new Map<string | undefined, FindingCode>([
  [tarIsCut, 'archive-cut'], [tarHasNoEnd, 'archive-cut'], [tarEndsWithMessage, 'engine-message'], [badCompression, 'compression-damaged'], [expandsTooMuch, 'archive-expands'],
  [takesMemory, 'memory-excessive'], [tooManyMembers, 'too-many-members'],
])

/** Takes part in reading a file: `body` is read in place of what came, and `settle` is awaited with what is known of it then. */
export type MemberTap = (name: string, size: number, body: AsyncIterable<Buffer>) => Promise<{ readonly body: AsyncIterable<Buffer>; settle(member: PassedFile): Promise<void> }>

export type StreamJob = {
  readonly findings: Findings
  readonly meter: Meter
  /** Open for as long as the members are asked for. */
  readonly aside: AsideFile
  readonly signal: AbortSignal
  readonly tap?: MemberTap
}

/** What a tar holds, read through once. What is wrong with the tar itself is a finding; everything before that place is there. */
export async function readArchiveMembers(tar: AsyncIterable<Buffer>, { findings, meter, aside, signal, tap }: StreamJob): Promise<ArchiveMembers> {
  const members = new ArchiveMembers(findings, aside.read)
  const damage = await untilDamage(() => readImageArchive(tar, {
    ...members.others,
    onMember: async (name, size, body) => {
      members.begin(name)
      const tapped = await tap?.(name, size, body)
      const member = await readMember(name, size, tapped?.body ?? body, meter, document => aside.put(document))
      await tapped?.settle(member)
      members.add(member)
    },
    signal,
  }))
  damage?.(findings)
  return members
}

/** The same of a tar that can be read at any place: its members are found first, and then read side by side. `file` is open for as long as they are asked for. */
export async function readArchiveFile(file: number, size: number, findings: Findings, meter: Meter, threads: MemberThreads, signal: AbortSignal): Promise<ArchiveMembers> {
  const members = new ArchiveMembers(findings, (position, bytes) => readAt(file, position, bytes))
  const batch = new ReadAhead(members, job => threads.perform({ ...job, file, shared: meter.shared }))
  threads.expect(size)
  const damage = await untilDamage(() => walkTarFile(file, size, {
    ...membersThat(member => batch.add(member)),
    onFile: (name, bytes, position) => {
      members.begin(name)
      if (position + bytes <= size) batch.add({ name, size: bytes, position })
    },
    onPause: () => batch.readWhenFull(),
  }, signal))
  if (batch.hasTooManyNames) findings.add('archive-malformed', { found: tooManyNames })
  await batch.read()
  damage?.(findings)
  return members
}

/** What is wrong with the tar is a finding, to be made when those of its members have been made. */
async function untilDamage(work: () => Promise<void> | void): Promise<((findings: Findings) => void) | undefined> {
  try {
    await work()
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    const { reason, message } = thrown
    return findings => findings.add(codeOfReason.get(reason) ?? 'archive-malformed', { found: message })
  }
}

function membersThat(add: (member: Member) => void): OtherMembers {
  return {
    onLink: (name, target, kind) => add({ kind: 'link', name, target, hard: kind === 'hard' }),
    onDirectory: name => add({ kind: 'other', name, what: 'a directory' }),
    onOther: entry => add({ kind: 'other', name: memberName(entry), what: describeType(entry.type) }),
  }
}

export class ArchiveMembers implements Members {
  readonly #members = new Map<string, Member>()
  readonly #directories = new Set<string>()
  readonly #blobs = new BlobMembers()
  #begun: Begun = { isAny: false, isImage: false }
  readonly #findings: Findings
  readonly #names = new NameBytes()
  readonly #readAgain: (position: number, size: number) => Buffer
  readonly others = membersThat(member => this.add(member))

  constructor(findings: Findings, readAgain: (position: number, size: number) => Buffer) {
    this.#findings = findings
    this.#readAgain = readAgain
  }

  *names(): Generator<string> {
    yield* this.#members.keys()
    yield* this.#blobs.names()
  }

  get size(): number {
    return this.#members.size + this.#blobs.size
  }

  get begun(): Begun {
    return this.#begun
  }

  /** Of a file, which may be cut. */
  begin(name: string): void {
    if (!this.#begun.isImage) this.#begun = { isAny: true, isImage: isImagePart(cleanPath(name) ?? name) }
  }

  add(member: Member): void {
    const path = cleanPath(member.name)
    if (path === undefined || path.includes('\0')) {
      this.#findings.add('path-unsafe', { member: member.name.slice(0, longestName) })
      return
    }
    const isBlob = member.kind === 'file' && BlobMembers.isName(path)
    if (!this.#names.fit({ ...member, name: path, isBlob })) {
      this.#findings.add('archive-malformed', { member: path.slice(0, 100), found: tooManyNames })
      return
    }
    const isDirectory = member.kind === 'other' && member.what === 'a directory'
    const before = this.#get(path)
    if (isDirectory ? before !== undefined : this.#directories.has(path)) this.#findings.add('member-differs', { member: path, found: 'it is a directory too' })
    if (isDirectory) {
      this.#directories.add(path)
      return
    }
    if (before !== undefined) this.#findings.add(isSame(before, member) ? 'member-doubled' : 'member-differs', { member: path })
    this.#members.delete(path)
    if (member.kind === 'file' && this.#blobs.set(path, member)) return
    this.#blobs.delete(path)
    this.#members.set(path, member)
  }

  #get(path: string): Member | undefined {
    return this.#members.get(path) ?? this.#blobs.get(path)
  }

  prepare(): void {
    // all of it has been read
  }

  async find(path: string): Promise<FileMember | BrokenMember | undefined> {
    const found = await Promise.resolve(this.#find(path))
    return found === undefined || 'broken' in found ? found : toFileMember(found, this.#readAgain)
  }

  #find(path: string): PassedFile | BrokenMember | undefined {
    let at = cleanPath(path)
    for (let links = 0; links < mostLinks; links++) {
      if (at === undefined) return { broken: 'leads out of the archive', code: 'path-unsafe' }
      const member = this.#get(at)
      if (this.#directories.has(at)) return { broken: 'is a directory', code: 'member-not-a-file' }
      if (member === undefined) return links === 0 ? undefined : { broken: `is a link to "${at}", which is not there`, code: 'member-not-a-file' }
      if (member.kind === 'file') return member
      if (member.kind === 'other') return { broken: `is ${member.what}`, code: 'member-not-a-file' }
      at = targetOf(at, member)
    }
    return { broken: 'is a link in a circle', code: 'member-not-a-file' }
  }
}

/** A symbolic link starts from its own directory, a hard link from the root of the archive. */
function targetOf(path: string, { target, hard }: LinkMember): string | undefined {
  if (hard) return cleanPath(target)
  if (target.startsWith('/')) return undefined
  return cleanPath([...path.split('/').slice(0, -1), target].join('/'))
}

function isSame(one: Member, other: Member): boolean {
  if (one.kind === 'file' && other.kind === 'file') return one.digest === other.digest
  if (one.kind === 'other') return other.kind === 'other' && one.what === unreadFile && other.what === unreadFile
  return one.kind === 'link' && other.kind === 'link' && one.target === other.target && one.hard === other.hard
}

function describeType(type: string): string {
  const names: Record<string, string> = { '0': 'a file with holes', 'S': 'a file with holes', '3': 'a character device', '4': 'a block device', '6': 'a fifo' }
  return names[type] ?? `a member of type "${type}"`
}
