/** Programs other than engines write a manifest.json or an index.json too, beside files of their own. */
import { isImagePart } from './appearance.ts'
import type { View } from './finding.ts'
import { fieldOf, isList, isObject, parseJson, type JsonValue } from './json-document.ts'
import type { Members } from './member.ts'

/** Whether the documents that give the views are of another kind, and nothing else is there that only images have. */
export async function isOfOtherPrograms(members: Members, views: readonly View[]): Promise<boolean> {
  let others = 0
  for (const name of members.names()) {
    if (views.includes(name as View)) continue
    if (isImagePart(name)) return false
    others++
  }
  if (others === 0) return false
  const found = await Promise.all(views.map(async view => isOther(view, await documentOf(members, view))))
  return found.every(each => each)
}

async function documentOf(members: Members, view: View): Promise<JsonValue | undefined> {
  const member = await members.find(view)
  if (member === undefined || 'broken' in member || member.content.kind !== 'document') return undefined
  const parsed = parseJson(member.content.bytes)
  return 'value' in parsed ? parsed.value : undefined
}

function isOther(view: View, document: JsonValue | undefined): boolean {
  if (view === 'index.json' && isList(document)) return true
  if (!isObject(document) || Object.keys(document).length === 0) return false
  return ['Config', 'Layers', 'RepoTags', 'manifests', 'schemaVersion'].every(key => fieldOf(document, key) === undefined)
}
