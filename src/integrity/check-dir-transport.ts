/**
 * What skopeo and podman write as "dir:": one manifest as manifest.json, and a file for each blob, called by the digits of its digest;
 * the manifests of a list end with ".manifest.json". No engine loads it, and it has no names.
 */
import type { Checking } from './check-file.ts'
import type { CheckedImage } from './check-image.ts'
import { checkDocument } from './check-index-json.ts'
import { Findings, type FindingCode } from './finding.ts'
import { fieldOf, isObject, parseJson, type JsonObject } from './json-document.ts'
import { NameSet } from './name-set.ts'
import type { BrokenMember, FileMember, Members } from './member.ts'

const top = 'manifest.json'
const blob = /^blobs\/sha256\/([0-9a-f]{64})$/

/** Its manifest; undefined when it is anything else. */
export async function dirManifestOf(members: Members): Promise<JsonObject | undefined> {
  const member = await members.find(top)
  if (member === undefined || 'broken' in member || member.content.kind !== 'document') return undefined
  const parsed = parseJson(member.content.bytes)
  const manifest = 'value' in parsed && isObject(parsed.value) ? parsed.value : undefined
  if (manifest === undefined || typeof fieldOf(manifest, 'schemaVersion') !== 'number') return undefined
  return ['layers', 'manifests', 'fsLayers'].some(key => fieldOf(manifest, key) !== undefined) ? manifest : undefined
}

export async function checkDirTransport(members: Members, findings: Findings, manifest: JsonObject): Promise<CheckedImage[]> {
  const own = new Findings()
  const checking: Checking = { members: new DirMembers(members), findings: own, referenced: new NameSet(), missing: 'member-missing' }
  const images = await checkDocument(checking, manifest, top)
  for (const { code, member, expected, found } of own.list) {
    findings.add(code, { ...(member === undefined ? {} : { member: member.replace(blob, '$1') }), ...(expected === undefined ? {} : { expected }), ...(found === undefined ? {} : { found }) })
  }
  for (const [code, count] of Object.entries(own.more)) findings.addMore(code as FindingCode, count)
  return images.map(image => ({ ...image, view: top }))
}

class DirMembers implements Members {
  readonly #inner: Members

  constructor(inner: Members) {
    this.#inner = inner
  }

  async find(path: string): Promise<FileMember | BrokenMember | undefined> {
    const name = blob.exec(path)?.[1]
    return name === undefined ? await this.#inner.find(path) : (await this.#inner.find(name)) ?? (await this.#inner.find(`${name}.manifest.json`))
  }

  prepare(paths: readonly string[]): void {
    this.#inner.prepare(paths.map(path => path.replace(blob, '$1')))
  }

  names(): Iterable<string> {
    return this.#inner.names()
  }

  get size(): number {
    return this.#inner.size
  }
}
