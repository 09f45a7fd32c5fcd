import type { Compression } from '../archive/codec.ts'
import { blockBytes } from '../archive/tar-header.ts'
import { appearanceOf, appearanceOfDirectory, appearanceOfTar, mayNameImagePart } from './appearance.ts'
import { type BackupSummary } from '../store/backup-summary.ts'
import { mediaTypes } from '../store/oci.ts'
import { checkArchivedBackups } from './check-archived-backup.ts'
import type { Checking } from './check-file.ts'
import type { CheckedImage } from './check-image.ts'
import { checkDirTransport, dirManifestOf } from './check-dir-transport.ts'
import { checkIndexJson } from './check-index-json.ts'
import { checkManifestJson } from './check-manifest-json.ts'
import { checkNames } from './check-names.ts'
import { checkUnreferenced } from './check-unreferenced.ts'
import { Findings, type Finding, type FindingCode, type MoreFindings, type View } from './finding.ts'
import type { Members } from './member.ts'
import { NameSet } from './name-set.ts'
import { isOfOtherPrograms } from './other-documents.ts'

export type Verdict = 'valid' | 'incomplete' | 'damaged' | 'unverifiable' | 'not an image'

/** What those who read one of the two documents get. */
export type CheckedView = { readonly view: View; readonly verdict: 'valid' | 'incomplete' | 'empty' | 'damaged' | 'unverifiable'; readonly readers: string }

export type ImageReport = {
  readonly verdict: Verdict
  /** In words: "an image archive with manifest.json and index.json, compressed with gzip". */
  readonly what: string
  readonly views: readonly CheckedView[]
  readonly images: readonly CheckedImage[]
  /** What dray import finds besides images. */
  readonly backups: readonly BackupSummary[]
  readonly findings: readonly Finding[]
  readonly more?: MoreFindings
  /** What to do next, in words. */
  readonly next: string
}

/** Whether there is a file, and one that only images have. */
export type Begun = { readonly isAny: boolean; readonly isImage: boolean }

/** A file or directory that has been read. */
export type Read = {
  readonly members: Members
  /** Of all files, also those that were cut. */
  readonly begun: Begun
  readonly findings: Findings
  readonly compression: Compression
  /** Its first bytes, without the outer compression. Undefined for a directory. */
  readonly head: Buffer | undefined
}

const mostNames = 60_000

const readers: Record<View, string> = { 'manifest.json': 'classic engines, podman and skopeo', 'index.json': 'engines with the containerd store, and tools for OCI layouts' }
/** They say that something was not read to its end, or cannot be, and nothing about what is in it. */
const unreadCodes: readonly FindingCode[] = ['layer-expands', 'archive-expands', 'memory-excessive', 'layer-encrypted', 'manifest-obsolete', 'digest-unverified']

/** The verdict, after every check. */
export async function reportOf({ members, begun, findings, compression, head }: Read): Promise<ImageReport> {
  const packed = compression === 'none' ? '' : `, compressed with ${compression}`
  const present = await Promise.all((['manifest.json', 'index.json'] as const).map(async view => ((await members.find(view)) === undefined ? [] : [view])))
  const views = present.flat()
  const without = { views: [], images: [], backups: [] }
  const dirManifest = views.includes('index.json') ? undefined : await dirManifestOf(members)
  if (dirManifest !== undefined) {
    const images = await checkDirTransport(members, findings, dirManifest)
    const verdict = verdictOf(findings.list)
    return { ...without, verdict, images, what: `an image ${head === undefined ? 'directory' : 'archive'} of the kind "dir:", as skopeo and podman copy them${packed}`, ...findings.report, next: verdict === 'valid' ? 'no engine loads it: skopeo copy dir:DIRECTORY docker-archive:FILE makes a file that can be loaded' : nextOf(verdict, findings) }
  }
  if (views.length > 0) {
    const isExport = await listsBackups(members)
    const checking: Checking = { members, findings, referenced: new NameSet(), missing: !isExport && (await isEngineSave(members, findings)) ? 'left-out' : 'member-missing' }
    const images = await checkViews(checking, views)
    const backups = isExport ? await checkArchivedBackups(checking) : []
    const verdict = verdictOf(findings.list)
    if (verdict === 'valid' && images.length === 0 && findings.has('index-empty')) return { ...without, verdict: 'not an image', what: `an image layout without any image${packed}`, ...findings.report, next: 'save an image into it' }
    if (verdict === 'damaged' && head !== undefined && (await isOfOtherPrograms(members, views))) return { ...without, verdict: 'not an image', what: `a tar of ${members.size} files, with ${views.join(' and ')} of another program${packed}`, findings: [], next: 'it may be the data of a volume: look into it with tar --list' }
    const next = isExport ? (verdict === 'valid' && head === undefined ? 'tar -C DIRECTORY -c . | dray import - takes the backups into a repository' : nextOfExport[verdict]) : images.length === 0 && verdict === 'valid' ? 'it is whole, and holds no image that an engine runs: only artifacts, such as attestations, signatures or charts' : nextOf(verdict, findings)
    return { verdict, what: `an image ${head === undefined ? 'directory' : 'archive'} with ${views.join(' and ')}${packed}${isExport ? ', which holds backups' : ''}`, views: views.map(view => viewOf(view, findings)), images, backups, ...findings.report, next }
  }
  if (isLegacy(members)) {
    findings.add('no-hashes')
    const verdict = findings.count('error') > 0 ? 'damaged' : 'unverifiable'
    return { verdict, what: `an image archive of the time before manifest.json${packed}`, ...without, ...findings.report, next: nextOf(verdict, findings) }
  }
  const isBrokenTar = head?.toString('latin1', 257, 262) === 'ustar' && findings.count('error') > 0
  if (findings.count('error') > 0 && (begun.isImage || (isBrokenTar && mayNameImagePart(head)))) {
    return { verdict: 'damaged', what: `the beginning of an image archive${packed}`, ...without, ...findings.report, next: nextOf('damaged', findings) }
  }
  if (head !== undefined && head.length < blockBytes && findings.has('compression-damaged')) {
    return { verdict: 'damaged', what: `the beginning of a file${packed}`, ...without, ...findings.report, next: nextOf('damaged', findings) }
  }
  // bytes that are no tar are no damaged tar
  const isTar = begun.isAny || members.size > 0 || isBrokenTar || findings.count('error') === 0
  const { what, next } = head === undefined ? appearanceOfDirectory(firstOf(members.names())) : isTar ? appearanceOfTar({ names: firstOf(members.names()), count: members.size }, findings.count('error') > 0) : appearanceOf(head)
  const isUnread = findings.has(...unreadCodes)
  return { verdict: isUnread ? 'unverifiable' : 'not an image', what: `${what}${packed}`, ...without, findings: isTar || isUnread || findings.has('compression-damaged') ? findings.list.filter(({ code }) => !doubledCodes.includes(code)) : [], next }
}

const nextOfExport: Record<Verdict, string> = {
  'valid': 'dray import takes the backups into a repository',
  'incomplete': 'export the backups again',
  'damaged': 'do not rely on it: export the backups again',
  'unverifiable': 'it was not read to its end: export the backups again',
  'not an image': 'choose another file',
}

/** As exports and repositories do. */
async function listsBackups(members: Members): Promise<boolean> {
  const index = await members.find('index.json')
  return index !== undefined && 'content' in index && index.content.kind === 'document' && index.content.bytes.includes(`"${mediaTypes.backup}"`)
}

/** Nobody minds them in a tar that holds no image. */
const doubledCodes: readonly FindingCode[] = ['member-doubled', 'member-differs']

/** As the containerd store of an engine writes it, and whole: what is missing was not put in. */
async function isEngineSave(members: Members, findings: Findings): Promise<boolean> {
  if (findings.count('error') > 0) return false
  const [manifest, index, layout, repositories] = await Promise.all(['manifest.json', 'index.json', 'oci-layout', 'repositories'].map(async name => (await members.find(name)) !== undefined))
  return manifest === true && index === true && layout === true && repositories === false
}

/** manifest.json names them like any other: what they are is said by the manifests that index.json leads to. */
async function foreignLayers(checking: Checking, views: readonly View[]): Promise<ReadonlyMap<string, string>> {
  const findings = new Findings()
  await checkIndexJson({ ...checking, findings, referenced: new NameSet() }, views)
  return new Map(findings.list.flatMap(({ code, member, found }) => (code === 'foreign-layer' && member !== undefined ? [[member, found ?? '']] : [])))
}

async function checkViews(checking: Checking, views: readonly View[]): Promise<CheckedImage[]> {
  const images: CheckedImage[] = []
  if (views.includes('manifest.json')) images.push(...(await checkManifestJson(views.length < 2 ? checking : { ...checking, foreign: await foreignLayers(checking, views) })))
  if (views.includes('index.json')) images.push(...(await checkIndexJson(checking, views)))
  compareViews(checking.findings, images)
  await checkNames(checking.members, checking.findings, images)
  await checkUnreferenced(checking)
  return images
}

function verdictOf(findings: readonly Finding[]): 'valid' | 'incomplete' | 'damaged' | 'unverifiable' {
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.some(({ code }) => !unreadCodes.includes(code))) return 'damaged'
  if (errors.length > 0) return 'unverifiable'
  return findings.some(({ code }) => code === 'foreign-layer') ? 'incomplete' : 'valid'
}

/** What concerns the whole archive concerns both views. */
function viewOf(view: View, findings: Findings): CheckedView {
  const own = findings.list.filter(({ views }) => views === undefined || views.includes(view))
  const isEmpty = own.some(({ code, views }) => code === 'index-empty' && views !== undefined)
  return { view, verdict: isEmpty ? 'empty' : verdictOf(own), readers: readers[view] }
}

/** `<v1id>/VERSION`, `<v1id>/json` and `<v1id>/layer.tar`, and `repositories`. */
function isLegacy(members: Members): boolean {
  const found = { description: false, layer: false }
  for (const name of members.names()) {
    if (/^[0-9a-f]{64}\/(?:json|VERSION)$/.test(name)) found.description = true
    else if (/^[0-9a-f]{64}\/layer\.tar$/.test(name)) found.layer = true
  }
  return found.description && found.layer
}

/** As many as there may be beside blobs, which come last. */
function firstOf(names: Iterable<string>): string[] {
  const first: string[] = []
  for (const name of names) if (first.push(name) >= mostNames) break
  return first
}

function nextOf(verdict: Verdict, findings: Findings): string {
  switch (verdict) {
    case 'valid': return 'it can be loaded'
    case 'incomplete': return 'it can be loaded where the foreign layers can be fetched'
    case 'damaged': return findings.has('left-out') ? 'do not rely on it: the engine that saved it does not have the whole image; pull it there again, or save it on another host' : 'do not rely on it: save the image again from where it came from'
    case 'unverifiable':
      if (findings.has('no-hashes')) return 'load it with Docker 28 or older, and save it again with a newer one'
      if (findings.has('manifest-obsolete')) return 'what its digests say is true, and no more is known: pull the image with an engine that still can, and save it again'
      if (findings.has('layer-encrypted')) return 'what is stored is whole: decrypt it, and verify what comes out'
      if (findings.has('digest-unverified')) return 'its digests are of sha512, which are not compared: verify it with a tool that knows them, or make it again with sha256'
      return 'it was not read to its end: load it only if you know why it is like that'
    case 'not an image': return 'choose another file'
  }
}

/** Both views should give the same images. */
function compareViews(findings: Findings, images: readonly CheckedImage[]): void {
  const of = (view: View): Set<string> => new Set(images.filter(image => image.view === view).map(({ config }) => config))
  const [docker, oci] = [of('manifest.json'), of('index.json')]
  if (docker.size === 0 || oci.size === 0) return
  const isSame = [...docker].every(each => oci.has(each))
  if (!isSame) findings.add('views-differ', { expected: [...docker].join(', '), found: [...oci].join(', ') })
}
