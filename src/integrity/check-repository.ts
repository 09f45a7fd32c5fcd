/**
 * Checks a repository, or one backup of it: that everything which the backups need is there and is what it has to be. Needs no
 * engine. What is wrong is a finding, with what it costs each backup; bad blobs are moved aside, so that the next backup stores
 * them again. The caller holds the repository's shared lock: what is written meanwhile is not looked at.
 */
import { readFile } from 'node:fs/promises'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { unlessDamaged } from '../errors/unless-damaged.ts'
import { readBackup, readMount } from '../store/backup-graph.ts'
import { toSummary, type BackupSummary } from '../store/backup-summary.ts'
import { ChunkReader } from '../store/chunk-reader.ts'
import { findForgotten } from '../store/forgotten.ts'
import { mediaTypes, type Descriptor, type Digest } from '../store/oci.ts'
import { findBackupIndexes } from '../store/stored-backups.ts'
import { isLocal, type Repository } from '../store/repository.ts'
import { checkBlobs, type BlobsRead } from './check-blobs.ts'
import { DocumentCheck } from './check-documents.ts'
import { LayerCheck } from './check-layers.ts'
import { MountContentCheck } from './check-mount-content.ts'
import { CheckingBlobs } from './checking-blobs.ts'
import { findLosses, nameOfMount, type Loss } from './find-losses.ts'
import { Findings, type Finding, type MoreFindings } from './finding.ts'

/** `quick`: presence and sizes. `full`: every hash. `deep`: everything unpacked and compared with the tables of contents as well. */
export type RepositoryLevel = 'quick' | 'full' | 'deep'

export type RepositoryCheckJob = {
  readonly repository: Repository
  /** One backup alone. */
  readonly backup?: BackupSummary
  readonly level: RepositoryLevel
  /** The random share of chunks and layers that is read: 1 for all. Of the others it is only looked whether they are there. */
  readonly share: number
  /** Whether bad blobs are moved aside. */
  readonly repairs: boolean
  readonly onTotal: (bytes: number) => void
  readonly onBytes: (bytes: number) => void
  readonly signal: AbortSignal
}

export type CheckedBackup = { readonly id: string; readonly created: string; readonly containers: readonly string[]; readonly whole: boolean; readonly losses: readonly Loss[] }

export type RepositoryReport = {
  readonly verdict: 'valid' | 'damaged'
  readonly level: RepositoryLevel
  readonly backups: readonly CheckedBackup[]
  readonly findings: readonly Finding[]
  readonly more?: MoreFindings
  /** How many there were, with those that are not listed. */
  readonly errors: number
  /** Blobs that the backups need, with their bytes; and of these what was read to its end. */
  readonly blobs: number
  readonly bytes: number
  readonly readBlobs: number
  readonly readBytes: number
  readonly share: number
  readonly movedAside: readonly Digest[]
  /** Why bad blobs stayed where they are. */
  readonly notMoved?: string
  readonly milliseconds: number
}

type Listed = { readonly id: string; readonly summary: BackupSummary; readonly descriptor: Descriptor }

export async function checkRepository(job: RepositoryCheckJob): Promise<RepositoryReport> {
  return (await inspectRepository(job)).report
}

/** The same, with what was found of each blob. */
export async function inspectRepository(job: RepositoryCheckJob): Promise<{ readonly report: RepositoryReport; readonly isBad: (blob: { readonly digest: Digest }) => boolean }> {
  const startedAt = performance.now()
  const { repository, backup, level, share, repairs, signal } = job
  const findings = new Findings()
  const checking = new CheckingBlobs(repository.blobs, findings, { repairs })
  const { listed, others, forgotten } = backup === undefined ? await readList(repository, findings) : { listed: [asListed(backup)], others: [], forgotten: new Set<Digest>() }
  const documents = new DocumentCheck(checking, signal)
  for (const { id, descriptor } of listed) await documents.checkBackup(id, descriptor)
  for (const other of others) {
    findings.add('foreign-entry', { member: other.digest })
    await documents.checkForeign(other)
  }
  if (backup === undefined) await findUnlisted(repository, checking, forgotten)
  const { wrong, read } = await checkContent(job, checking, listed)
  const backups: CheckedBackup[] = []
  const source = new ChunkReader(repository.blobs)
  for (const { id, summary: { created, containers }, descriptor } of listed) {
    signal.throwIfAborted()
    const isHurt = checking.table.badOnes > 0 || wrong.size > 0
    const losses = isHurt ? await findLosses({ blobs: repository.blobs, source, isBad: digest => checking.table.isBad(digest), wrongIn: mount => wrong.get(`${id}/${mount}`) ?? [] }, id, descriptor) : []
    const isInconsistent = findings.list.some(({ severity, member }) => severity === 'error' && (member === id || member?.startsWith(`${id}/`) === true))
    backups.push({ id, created, containers, whole: losses.length === 0 && !isInconsistent, losses })
  }
  const errors = findings.count('error')
  const { movedAside, notMoved } = checking
  const report: RepositoryReport = { verdict: errors > 0 ? 'damaged' : 'valid', level, backups, ...findings.report, errors, ...read, share, movedAside, ...(notMoved === undefined ? {} : { notMoved }), milliseconds: performance.now() - startedAt }
  return { report, isBad: ({ digest }) => checking.table.isBad(digest) }
}

function asListed(summary: BackupSummary): Listed {
  return { id: summary.id, summary, descriptor: summary.descriptor }
}

/** The backups on the list, oldest first; when the list is lost, those that are found without it. */
async function readList(repository: Repository, findings: Findings): Promise<{ listed: readonly Listed[]; others: readonly Descriptor[]; forgotten: ReadonlySet<Digest> }> {
  const layout = isLocal(repository) ? await readFile(repository.paths.layout, 'utf8').catch(() => '') : undefined
  if (layout?.includes('"imageLayoutVersion"') === false) findings.add('layout-broken', { member: 'oci-layout' })
  const index = await repository.readIndex().catch((thrown: unknown) => {
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    findings.add('list-broken', { member: 'index.json', found: thrown.message })
    return undefined
  })
  const listed: Listed[] = []
  const forgotten = isLocal(repository) ? await findForgotten(repository, index ?? { manifests: [] }) : new Set<Digest>()
  const manifests = index?.manifests ?? (isLocal(repository) ? await findBackupIndexes(repository, digest => !forgotten.has(digest)) : [])
  for (const descriptor of manifests.filter(({ artifactType }) => artifactType === mediaTypes.backup)) {
    const summary = summaryOf(descriptor, findings) ?? (await ownSummary(repository, descriptor))
    if (summary === undefined) continue
    if (listed.some(({ id }) => id === summary.id)) findings.add('backup-doubled', { member: summary.id })
    listed.push({ id: summary.id, summary, descriptor })
  }
  return { listed: listed.sort((a, b) => (a.summary.created < b.summary.created ? -1 : 1)), others: manifests.filter(({ artifactType }) => artifactType !== mediaTypes.backup), forgotten }
}

function summaryOf(descriptor: Descriptor, findings: Findings): BackupSummary | undefined {
  try {
    return toSummary(descriptor)
  } catch (thrown) {
    findings.add('list-differs', { member: descriptor.digest, found: messageOf(thrown) })
    return undefined
  }
}

/** Of an entry that says nothing: what the backup says itself. */
async function ownSummary(repository: Repository, { digest }: Descriptor): Promise<BackupSummary | undefined> {
  if (!isLocal(repository)) return undefined
  const [own] = await findBackupIndexes(repository, each => each === digest)
  return own && toSummary(own)
}

/** A backup is put on the list a moment after it is written. */
const listedWithinMs = 10 * 60 * 1000

async function findUnlisted(repository: Repository, { table, findings }: CheckingBlobs, forgotten: ReadonlySet<Digest>): Promise<void> {
  if (!isLocal(repository)) return
  for (const descriptor of await findBackupIndexes(repository, digest => table.get(digest) === undefined && !forgotten.has(digest))) {
    const { mtimeMs = Date.now() } = (await repository.blobs.stat(descriptor.digest)) ?? {}
    if (mtimeMs < Date.now() - listedWithinMs) findings.add('backup-unlisted', { member: toSummary(descriptor)?.id ?? descriptor.digest })
  }
}

/** After a deep check little is left. */
const blobsAtOnce = 8

type ContentRead = { readonly blobs: number; readonly bytes: number; readonly readBlobs: number; readonly readBytes: number }

async function checkContent(job: RepositoryCheckJob, checking: CheckingBlobs, listed: readonly Listed[]): Promise<{ wrong: ReadonlyMap<string, readonly string[]>; read: ContentRead }> {
  const { level, share, onTotal, onBytes, signal } = job
  const total = { blobs: 0, bytes: 0, unread: 0 }
  const documents: BlobsRead = { blobs: 0, bytes: 0 }
  for (const { size, state, kind } of checking.table.entries()) {
    total.blobs++
    total.bytes += size
    if (state === 'unchecked') total.unread += kind === 'toc' ? size : size * share
    else if (state === 'sound') [documents.blobs, documents.bytes] = [documents.blobs + 1, documents.bytes + size]
  }
  onTotal(level === 'quick' ? 0 : total.unread)
  const unpacked: BlobsRead = { blobs: 0, bytes: 0 }
  const counted = (bytes: number): void => {
    unpacked.bytes += bytes
    onBytes(bytes)
  }
  const wrong = level === 'deep' ? await checkDeeply({ ...job, onBytes: counted }, checking, listed) : new Map<string, readonly string[]>()
  if (level === 'deep') for (const { kind, state } of checking.table.entries()) if (kind !== 'document' && state === 'sound') unpacked.blobs++
  const shareOf = level === 'quick' ? () => 0 : (kind: string) => (kind === 'toc' || kind === 'document' ? 1 : level === 'deep' && share < 1 ? 0 : share)
  const read = await checkBlobs({ checking, shareOf, atOnce: level === 'deep' && share === 1 ? 1 : blobsAtOnce, onBytes, signal })
  return { wrong, read: { blobs: total.blobs, bytes: total.bytes, readBlobs: documents.blobs + unpacked.blobs + read.blobs, readBytes: documents.bytes + unpacked.bytes + read.bytes } }
}

async function checkDeeply({ repository, share, onBytes, signal }: RepositoryCheckJob, checking: CheckingBlobs, listed: readonly Listed[]): Promise<Map<string, readonly string[]>> {
  const deep = { checking, source: new ChunkReader(repository.blobs, { strict: true, frugal: true }), share, onBytes, signal }
  const mounts = new MountContentCheck(deep)
  const layers = new LayerCheck(deep)
  const wrong = new Map<string, readonly string[]>()
  for (const { id, descriptor } of listed) {
    const contents = await unlessDamaged(readBackup(repository.blobs, descriptor))
    for (const image of contents?.images ?? []) await layers.check(image)
    for (const { id: mount, parts } of contents?.mounts ?? []) {
      const read = await unlessDamaged(readMount(repository.blobs, { parts }))
      const found = read === undefined ? [] : await mounts.check(`${id}/${nameOfMount(read.description)}`, read.content)
      if (found.length > 0) wrong.set(`${id}/${mount}`, found)
    }
  }
  return wrong
}
