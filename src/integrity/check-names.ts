/** Names are in no hash. An archive has them twice or three times, so that a changed one shows. */
import { fullName } from '../engine/image-reference.ts'
import type { Findings, View } from './finding.ts'
import type { CheckedImage } from './check-image.ts'
import { isObject, parseJson } from './json-document.ts'
import type { Members } from './member.ts'

const classic: View = 'manifest.json'
const layout: View = 'index.json'

/** Each image has the same names in both views, and `repositories` has those of manifest.json. */
export async function checkNames(members: Members, findings: Findings, images: readonly CheckedImage[]): Promise<void> {
  const [byClassic, byLayout] = [namesBy(images, classic), namesBy(images, layout)]
  const nameless = new Set<string>(images.filter(({ isNameless }) => isNameless === true).map(({ config }) => config))
  for (const [config, names] of byClassic) {
    if (nameless.has(config)) continue
    const others = byLayout.get(config)
    if (others !== undefined) compareNames(findings, 'index.json', names, others)
  }
  const repositories = await namesOfRepositories(members)
  const all = new Set([...byClassic.values()].flatMap(names => [...names]))
  // damage that lost an image has lost its names, and is told of by itself
  if (repositories !== undefined && byClassic.size > 0 && !isDamaged(findings)) compareNames(findings, 'repositories', all, repositories)
}

function isDamaged(findings: Findings): boolean {
  return findings.list.some(({ severity, views }) => severity === 'error' && views?.includes(classic) === true)
}

function compareNames(findings: Findings, member: string, expected: ReadonlySet<string>, found: ReadonlySet<string>): void {
  const isSame = (one: string, other: string): boolean => fullName(one) === fullName(other)
  if (expected.size === found.size && [...expected].every(one => [...found].some(other => isSame(one, other)))) return
  const list = (names: ReadonlySet<string>): string => [...names].sort().join(', ') || 'no name'
  findings.add('names-differ', { member, expected: list(expected), found: list(found) })
}

function namesBy(images: readonly CheckedImage[], view: View): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, Set<string>>()
  for (const image of images.filter(each => each.view === view)) {
    const all = names.get(image.config) ?? new Set()
    // a name with a digest is none that an image is given
    for (const name of image.names) if (!name.includes('@')) all.add(name)
    names.set(image.config, all)
  }
  return names
}

/** What classic engines up to 28 and others write beside manifest.json: {"name": {"tag": "an id"}}. */
async function namesOfRepositories(members: Members): Promise<ReadonlySet<string> | undefined> {
  const member = await members.find('repositories')
  if (member === undefined || 'broken' in member) return undefined
  const parsed = member.content.kind === 'document' ? parseJson(member.content.bytes) : undefined
  if (parsed === undefined || !('value' in parsed) || !isObject(parsed.value)) return new Set()
  return new Set(Object.entries(parsed.value).flatMap(([name, tags]) => (isObject(tags) ? Object.keys(tags).map(tag => `${name}:${tag}`) : [])))
}
