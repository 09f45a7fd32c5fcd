import type { MountWriter } from '../../mounts/mount-access.ts'
import { isHurt, type StoredMount } from '../restore-plan.ts'
import { asRecorded, checkContent, readEntries } from './check-content.ts'
import type { MountsJob } from './restore-mounts.ts'
import type { Restoring } from './share-mounts.ts'
import { makeBindPlace, openPlace, writeMount, type WrittenMount } from './write-mount.ts'

export type NestedJob = MountsJob & { readonly restoring: readonly Restoring[] }

/**
 * When everything else is written: binds that came with an outer one. What that one did not bring, as of a file system mounted
 * inside it, or brought out of an older backup, is written; the way back of the outer one is theirs, too.
 */
export async function writeNested(job: NestedJob): Promise<WrittenMount[]> {
  const written: WrittenMount[] = []
  for (const { stored, place, inside } of job.plan.mounts) {
    if (inside === undefined || !('path' in place)) continue
    await makeBindPlace(job, place)
    const writer = await openPlace({ ...job, reader: job.options.reader }, place, undefined)
    if (await isLacking(job, stored, writer, inside)) written.push(await writeMount(job, stored, place, writer, true))
    else await writer[Symbol.asyncDispose]()
  }
  return written
}

async function isLacking({ run: { signal }, source, restoring, stored: { backup } }: NestedJob, stored: StoredMount, writer: MountWriter, outer: string): Promise<boolean> {
  if (await writer.isEmpty(signal)) return true
  const from = restoring.find(({ plan }) => plan.mounts.some(({ place, action }) => action !== 'keep' && 'path' in place && place.path === outer))
  if (isHurt(stored) || !writer.canList || (from !== undefined && from.stored.backup.created > backup.created)) return false
  return (await checkContent(asRecorded(writer, stored.described), readEntries(source, stored.content), stored.content, signal)).length > 0
}
