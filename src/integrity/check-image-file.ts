/** Checks one file or directory that should hold images. Needs no engine, changes nothing, and trusts nothing that it reads. */
import { Readable } from 'node:stream'
import type { Compression } from '../archive/codec.ts'
import { decompress, detectCompression } from '../archive/decompress-stream.ts'
import { DrayError } from '../errors/dray-error.ts'
import { readArchiveMembers } from './archive-members.ts'
import type { Checking } from './check-file.ts'
import type { CheckedImage } from './check-image.ts'
import { checkIndexJson } from './check-index-json.ts'
import { checkManifestJson } from './check-manifest-json.ts'
import { Findings, type Finding } from './finding.ts'
import { LayoutMembers } from './layout-members.ts'
import { isDigest } from '../store/digest.ts'
import { cleanPath, type Members } from './member.ts'

export type Verdict = 'valid' | 'incomplete' | 'damaged' | 'unverifiable' | 'not an image'

export type ImageReport = {
  readonly verdict: Verdict
  /** In words: "a docker save archive with manifest.json and index.json, gzip". */
  readonly what: string
  readonly images: readonly CheckedImage[]
  readonly findings: readonly Finding[]
  /** What to do next, in words. */
  readonly next: string
}

/** One pass over a stream: a save tarball, in any compression. */
export async function checkImageArchive(stream: Readable, signal: AbortSignal): Promise<ImageReport> {
  const findings = new Findings()
  const { compression, tar } = await decompressed(stream, findings)
  const members = await readArchiveMembers(tar, findings, signal)
  const isTar = members.names().length > 0 || !findings.has('archive-cut', 'archive-malformed')
  return await judge({ members, begun: members.begun, findings, compression, isTar })
}

type Read = { readonly members: Members; readonly begun: ReadonlySet<string>; readonly findings: Findings; readonly compression: Compression; readonly isTar: boolean }

async function judge({ members, begun, findings, compression, isTar }: Read): Promise<ImageReport> {
  const checking: Checking = { members, findings, referenced: new Set() }
  const names = new Set(members.names())
  const views = [...(names.has('manifest.json') ? ['manifest.json'] : []), ...(names.has('index.json') ? ['index.json'] : [])]
  const images: CheckedImage[] = []
  if (names.has('manifest.json')) images.push(...(await checkManifestJson(checking)))
  if (names.has('index.json')) images.push(...(await checkIndexJson(checking, !names.has('manifest.json'))))
  compareViews(findings, images)
  await checkUnreferenced(checking)
  const packed = compression === 'none' ? '' : `, compressed with ${compression}`
  if (views.length > 0) {
    const verdict = findings.count('error') > 0 ? 'damaged' : findings.has('foreign-layer') ? 'incomplete' : 'valid'
    return { verdict, what: `an image archive with ${views.join(' and ')}${packed}`, images, findings: findings.list, next: nextOf(verdict) }
  }
  if (isTar && isLegacy(names)) {
    findings.add('no-hashes')
    const verdict = findings.count('error') > 0 ? 'damaged' : 'unverifiable'
    return { verdict, what: `an image archive of the time before manifest.json${packed}`, images, findings: findings.list, next: nextOf(verdict) }
  }
  if (findings.count('error') > 0 && looksLikeImage(begun)) {
    return { verdict: 'damaged', what: `the beginning of an image archive${packed}`, images, findings: findings.list, next: nextOf('damaged') }
  }
  return { verdict: 'not an image', what: `${lookOf(names, isTar)}${packed}`, images, findings: findings.list, next: nextOfOther(names, isTar) }
}

/** `<v1id>/VERSION`, `<v1id>/json` and `<v1id>/layer.tar`, and `repositories`. */
function isLegacy(names: ReadonlySet<string>): boolean {
  return [...names].some(name => /^[0-9a-f]{64}\/(?:json|VERSION)$/.test(name)) && [...names].some(name => /^[0-9a-f]{64}\/layer\.tar$/.test(name))
}

function looksLikeImage(names: ReadonlySet<string>): boolean {
  return [...names].some(name => /^(?:[0-9a-f]{64}\/|blobs\/sha256\/|[0-9a-f]{64}\.json$|oci-layout$|repositories$)/.test(name))
}

function lookOf(names: ReadonlySet<string>, isTar: boolean): string {
  if (!isTar) return 'no tar'
  if (names.size === 0) return 'an empty tar'
  if (isRootFileSystem(names)) return 'the root file system of a container or system, as docker export writes it'
  return `a tar of ${names.size} files`
}

function isRootFileSystem(names: ReadonlySet<string>): boolean {
  const tops = new Set([...names].map(name => name.split('/')[0] ?? ''))
  return ['etc', 'usr', 'bin', 'var'].filter(each => tops.has(each)).length >= 2
}

function nextOf(verdict: Verdict): string {
  switch (verdict) {
    case 'valid': return 'it can be loaded'
    case 'incomplete': return 'it can be loaded where the foreign layers can be fetched'
    case 'damaged': return 'do not rely on it: save the image again from where it came from'
    case 'unverifiable': return 'load it with Docker 28 or older, and save it again with a newer one'
    case 'not an image': return 'choose another file'
  }
}

function nextOfOther(names: ReadonlySet<string>, isTar: boolean): string {
  if (isTar && isRootFileSystem(names)) return 'make an image of it with: docker import FILE NAME'
  if (isTar && names.size > 0) return 'it may be the data of a volume: look into it with tar --list'
  return 'choose another file: this is none that docker save writes'
}

/** Both views should give the same images. */
function compareViews(findings: Findings, images: readonly CheckedImage[]): void {
  const of = (view: string): Set<string> => new Set(images.filter(image => image.view === view).map(({ config }) => config))
  const [docker, oci] = [of('manifest.json'), of('index.json')]
  if (docker.size === 0 || oci.size === 0) return
  const isSame = [...docker].every(each => oci.has(each))
  if (!isSame) findings.add('views-differ', { expected: [...docker].join(', '), found: [...oci].join(', ') })
}

const known = /^(?:manifest\.json|index\.json|oci-layout|repositories|[0-9a-f]{64}\/(?:json|VERSION|layer\.tar)|[0-9a-f]{64}\.json)$/

/** What no image needs may be there. A blob has the content that its name says all the same. */
async function checkUnreferenced({ members, findings, referenced }: Checking): Promise<void> {
  const clean = new Set([...referenced].map(cleanPath))
  for (const name of members.names()) {
    if (clean.has(name) || known.test(name)) continue
    findings.add('not-referenced', { member: name })
    const digest = `sha256:${/^blobs\/sha256\/(.*)$/.exec(name)?.[1] ?? ''}`
    const member = isDigest(digest) ? await members.find(name) : undefined
    if (member !== undefined && 'digest' in member && member.digest !== digest) findings.add('digest-mismatch', { member: name, expected: digest, found: member.digest })
  }
}

type Opened = { readonly compression: Compression; readonly tar: Readable }

/** What fails in the decompression ends the tar, and is a finding. */
async function decompressed(stream: Readable, findings: Findings): Promise<Opened> {
  const { compression, bytes } = await detectCompression(stream as AsyncIterable<Buffer>)
  if (compression === 'none') return { compression, tar: Readable.from(bytes, { objectMode: false }) }
  const kind = compression
  async function* plain(): AsyncGenerator<Buffer> {
    try {
      yield* decompress(kind, bytes)
    } catch (thrown) {
      if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
      findings.add('compression-damaged', { found: thrown.message })
    }
  }
  return { compression, tar: Readable.from(plain(), { objectMode: false }) }
}

/** The directory of an OCI layout, or of an unpacked archive. Only the files that belong to images are read. */
export async function checkImageDirectory(path: string, signal: AbortSignal): Promise<ImageReport> {
  const members = await LayoutMembers.open(path, signal)
  const report = await judge({ members, begun: new Set(), findings: new Findings(), compression: 'none', isTar: false })
  return { ...report, what: report.verdict === 'not an image' ? 'a directory without index.json and manifest.json' : report.what.replace('an image archive', 'a directory of images') }
}
