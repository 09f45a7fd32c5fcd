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
