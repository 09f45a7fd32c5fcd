/**
 * Tags under one name of a registry: a backup's index has its id, its manifests `<id>.m1`, `<id>.m2`…, because distribution's
 * `garbage-collect -m` deletes what has no tag, even when an index names it (ENGINE-FACTS 6).
 */
import { DrayError } from '../errors/dray-error.ts'
import { isBackupId } from './backup-summary.ts'

/** Of the manifest number `at`, from 0, of a backup. */
export function childTag(id: string, at: number): string {
  const tag = `${id}.m${at + 1}`
  if (!isBackupId(tag)) throw new DrayError('refused', `the id "${id}" is too long for a registry: its manifests' tags would have more than 128 characters`)
  return tag
}

/** Those that can be a backup's id. */
export function idTags(tags: readonly string[]): string[] {
  return tags.filter(tag => !/\.m\d+$/.test(tag))
}

/** Tags of manifests whose backup was never listed: by runs that failed in the middle, or that are at work; their ids say since when. */
export function abandonedTags(tags: readonly string[], beforeMs: number): string[] {
  const listed = new Set(idTags(tags))
  return tags.filter(tag => {
    const [, id] = /^(.*)\.m\d+$/.exec(tag) ?? []
    const [, ...parts] = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-/.exec(id ?? '') ?? []
    const [year = 0, month = 0, ...rest] = parts.map(Number)
    return id !== undefined && parts.length > 0 && !listed.has(id) && Date.UTC(year, month - 1, ...rest) < beforeMs
  })
}
