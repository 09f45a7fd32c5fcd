/**
 * Takes a file into the repository: an export's backups under their own ids, what engines and other tools save as a backup of images.
 * Nothing is listed before the whole of it was found good. A file is checked first, and then read again for what is missing here; what
 * comes out of a pipe is stored as it passes, and belongs to nothing unless it was good: the next prune removes it.
 */
import { tellBytes } from '../archive/tell-bytes.ts'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { decompress, detectCompression } from '../archive/decompress-stream.ts'
import { readImageArchive } from '../archive/image-archive.ts'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { examineImageArchive, examineImageFile, type Examined } from '../integrity/check-image-file.ts'
import type { Verdict } from '../integrity/image-report.ts'
import type { Members } from '../integrity/member.ts'
import { MemberDocuments } from '../integrity/member-documents.ts'
import { adoptBackups, compareWithList } from '../store/adopt-backups.ts'
import { addBackup } from '../store/backup-graph.ts'
import { newBackupId, type BackupSummary } from '../store/backup-summary.ts'
import { ImageStore } from '../store/image-store.ts'
import type { Repository } from '../store/repository.ts'
import { lostUpload } from '../store/remote-blobs.ts'
import { whileTransferring, type Reporter } from './reporter.ts'
import { againAfterLostUpload } from './steps/again-after-lost-upload.ts'
import { ImportedMembers } from './steps/import-members.ts'
import { putImportedImages, type ImportedImage } from './steps/imported-images.ts'

export type ImportJob = {
  readonly repository: Repository
  readonly lock: OwnerLock
  /** A path, or what comes out of a pipe. */
  readonly from: string | AsyncIterable<Buffer>
  /** Marks on the backup of images that are no export's. */
  readonly tags: readonly string[]
  readonly reporter: Reporter
  readonly signal: AbortSignal
}

export type ImportReport = {
  readonly added: readonly BackupSummary[]
  /** They were here already. */
  readonly present: readonly BackupSummary[]
  /** Of the backup that was made of them. */
  readonly images: readonly ImportedImage[]
  readonly newBlobs: number
  readonly newBytes: number
}

const pieceBytes = 1024 * 1024

/** Throws `damaged` or `unverifiable`, as the check says, `conflict` when another backup has the id of one in the file. */
export async function importFile(job: ImportJob): Promise<ImportReport> {
  const { repository, signal } = job
  const images = new ImageStore(repository)
  const stored = new ImportedMembers(repository, images, signal)
  await using examined = typeof job.from === 'string' ? await takeFile(job, job.from, stored) : await takeStream(job, job.from, stored)
  const { report, members } = examined
  if (report.backups.length > 0) {
    const documents = new MemberDocuments(members)
    const adoptable = await Promise.all(report.backups.map(async summary => ({ summary, index: await documents.read(summary.descriptor.digest) })))
    const { added, present } = await adoptBackups(repository, adoptable, job.lock)
    return { added, present, images: [], newBlobs: stored.newBlobs, newBytes: stored.newBytes }
  }
  const imported = await againAfterLostUpload(job, () => putImportedImages(images, report, members, stored.layers))
  const id = newBackupId()
  const backup = await addBackup(repository, {
    id, created: new Date().toISOString(), host: hostname(), engine: '', run: id, tags: job.tags, containers: [], mounts: [],
    images: imported.map(({ descriptor }) => descriptor), origin: typeof job.from === 'string' ? `file ${job.from}` : 'stdin',
  }, job.lock)
  return { added: [backup], present: [], images: imported, newBlobs: stored.newBlobs, newBytes: stored.newBytes }
}

async function takeStream({ repository, reporter, signal }: ImportJob, stream: AsyncIterable<Buffer>, stored: ImportedMembers): Promise<Examined> {
  const examined = await whileTransferring(reporter, 'stdin', transfer => examineImageArchive(stream, { signal, onRead: bytes => transfer.add(bytes) }, stored.tap)).catch((thrown: unknown) => {
    if (!(thrown instanceof DrayError) || thrown.reason !== lostUpload) throw thrown
    throw new DrayError(thrown.code, thrown.message, { cause: thrown, hints: ['what comes out of a pipe cannot be read again: keep it in a file, and import that'] })
  })
  return await keptIf(examined, async () => {
    refuseUnlessGood(examined, 'what came')
    await compareWithList(repository, examined.report.backups)
  })
}

async function takeFile(job: ImportJob, path: string, stored: ImportedMembers): Promise<Examined> {
  const { repository, reporter, signal } = job
  const found = await stat(path).catch((thrown: unknown) => {
    throw errnoOf(thrown) === 'ENOENT' ? new DrayError('not-found', `there is no file "${path}"`, { hints: ['look for the right name with ls'] }) : fromSystemError(thrown, 'cannot open', path)
  })
  if (found.isDirectory()) throw new DrayError('usage', `"${path}" is a directory`, { hints: [`of an image layout: tar -C "${path}" -c . | dray import -`, `of a repository: name it with -r "${path}"`] })
  const size = found.isFile() ? found.size : undefined
  const examined = await whileTransferring(reporter, `check ${path}`, transfer => examineImageFile(path, { signal, onRead: bytes => transfer.add(bytes) }), size)
  return await keptIf(examined, async () => {
    refuseUnlessGood(examined, `"${path}"`)
    await compareWithList(repository, examined.report.backups)
    await againAfterLostUpload(job, async () => whileTransferring(reporter, path, transfer => storeFile(path, examined.members, stored, signal, bytes => transfer.add(bytes)), size))
  })
}

/** What was opened is closed when the work fails. */
async function keptIf(examined: Examined, work: () => Promise<void>): Promise<Examined> {
  try {
    await work()
    return examined
  } catch (thrown) {
    await examined[Symbol.asyncDispose]()
    throw thrown
  }
}

async function storeFile(path: string, members: Members, stored: ImportedMembers, signal: AbortSignal, onRead: (bytes: number) => void): Promise<void> {
  const file = createReadStream(path, { highWaterMark: pieceBytes })
  try {
    const { compression, bytes } = await detectCompression(tellBytes(file as AsyncIterable<Buffer>, onRead))
    const tar = compression === 'none' ? bytes : decompress(compression, bytes)
    await readImageArchive(tar, {
      signal,
      onMember: async (name, size, body) => {
        const member = await members.find(name)
        if (member === undefined || 'broken' in member) return
        const tapped = await stored.tap(name, size, body)
        if (tapped.isNew) await drain(tapped.body)
        await tapped.settle(member)
      },
    })
  } catch (thrown) {
    signal.throwIfAborted()
    throw errnoOf(thrown) === undefined ? thrown : fromSystemError(thrown, 'cannot read', path)
  } finally {
    file.destroy()
  }
}

async function drain(body: AsyncIterable<Buffer>): Promise<void> {
  const pieces = body[Symbol.asyncIterator]()
  while ((await pieces.next()).done !== true);
}

const words: Record<Exclude<Verdict, 'valid'>, string> = {
  'incomplete': 'lacks foreign layers, which are somewhere else',
  'damaged': 'is damaged',
  'unverifiable': 'cannot be verified',
  'not an image': 'holds no image and no backup',
}
const mostNamed = 10

function refuseUnlessGood({ report: { verdict, what, views, images, backups, findings, next } }: Examined, subject: string): void {
  if (verdict === 'valid' && (backups.length > 0 || (views.length > 0 && images.length > 0))) return
  if (verdict === 'valid') throw new DrayError('unverifiable', `${subject} holds nothing that can be imported: it is ${what}`, { hints: [next] })
  const errors = findings.filter(({ severity }) => severity !== 'note')
  const list = errors.slice(0, mostNamed).map(({ code, member, found }) => [code, ...(member === undefined ? [] : [`"${member}"`]), ...(found === undefined ? [] : [`(${found})`])].join(' '))
  const more = errors.length > mostNamed ? [`and ${errors.length - mostNamed} more`] : []
  throw new DrayError(verdict === 'damaged' ? 'damaged' : 'unverifiable', `${subject} ${words[verdict]}; nothing was imported${verdict === 'not an image' ? `: it is ${what}` : ''}`, { list: [...list, ...more], hints: [next, 'dray verify FILE says more'] })
}
