import type { Digest } from '../store/oci.ts'
import { requireDigest, type Checking } from './check-file.ts'
import type { View } from './finding.ts'
import { fieldOf, isList, isObject, textOf, textsOf, type JsonObject, type JsonValue } from './json-document.ts'
import type { FileMember } from './member.ts'

/** One image as the summary shows it. */
export type CheckedImage = {
  readonly view: View
  /** The digest of its config: the id that classic engines give it. */
  readonly config: Digest
  readonly names: readonly string[]
  /** It says that it has no names: `"RepoTags": null`. */
  readonly isNameless?: true
  readonly platform: string
  readonly layers: number
  /** Of its layers, as they lie in the file, and unpacked. */
  readonly storedBytes: number
  readonly plainBytes: number
}

/** The digests of the unpacked layers that a config lists, or findings. */
export function diffIdsOf(checking: Checking, config: JsonObject, member: string, view: View): readonly Digest[] | undefined {
  const problem = problemOf(config)
  if (problem !== undefined) {
    checking.findings.add('config-invalid', { member, view, found: problem })
    return undefined
  }
  const rootfs = fieldOf(config, 'rootfs') as JsonObject
  const diffIds = (textsOf(rootfs, 'diff_ids') ?? []).map(each => requireDigest(checking, each, member, view))
  const made = layersOfHistory(config)
  if (made > 0 && made !== diffIds.length) checking.findings.add('history-differs', { member, view, expected: `${diffIds.length} layers`, found: `${made}` })
  return diffIds.every(each => each !== undefined) ? diffIds : undefined
}

function problemOf(config: JsonObject): string | undefined {
  const rootfs = fieldOf(config, 'rootfs')
  if (!isObject(rootfs)) return 'it has no rootfs'
  const type = textOf(rootfs, 'type')
  if (type !== 'layers') return `its rootfs is of type "${type ?? ''}" instead of "layers"`
  return textsOf(rootfs, 'diff_ids') === undefined ? 'its diff_ids are no list of digests' : undefined
}

function layersOfHistory(config: JsonObject): number {
  const history: JsonValue | undefined = fieldOf(config, 'history')
  if (!isList(history)) return 0
  return history.filter(each => isObject(each) && fieldOf(each, 'empty_layer') !== true).length
}

export function platformOf(config: JsonObject): string {
  return [textOf(config, 'os') ?? '?', textOf(config, 'architecture') ?? '?', textOf(config, 'variant')].filter(each => each !== undefined && each !== '').join('/')
}

/** Whether a layer unpacks to what the config says. */
export function checkLayer({ findings }: Checking, member: FileMember, diffId: Digest, view: View): void {
  const { name, content } = member
  const plainDigest = content.kind === 'data' ? content.plainDigest : member.digest
  if (content.kind === 'data' && content.problem !== undefined) {
    const { code, words } = content.problem
    // what has the right hash was made like that
    findings.add(code === 'layer-end' && plainDigest !== diffId ? 'layer-damaged' : code, { member: name, view, found: words })
    if (plainDigest === undefined) return
  }
  if (content.kind !== 'data' && plainDigest === diffId) findings.add('layer-damaged', { member: name, view, found: 'it is not a tar' })
  if (plainDigest !== diffId) findings.add('diff-id-mismatch', { member: name, view, expected: diffId, ...(plainDigest === undefined ? {} : { found: plainDigest }) })
}

export function plainBytesOf({ content, size }: FileMember): number {
  return content.kind === 'data' ? content.plainBytes : size
}
