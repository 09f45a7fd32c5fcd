import { kindOfBind } from '../../mounts/bind-kind.ts'
import type { LiveMount } from '../migration.ts'
import type { MountAction } from '../restore-plan.ts'
import { openMountCopy, type CopyMountJob } from './copy-mount.ts'
import { sendAnew, type DataJob, type SentMount } from './send-data.ts'
import { makeBindPlace, targetOf } from './write-mount.ts'

/** At rest, when everything else is sent: binds that came with an outer one, where that did not bring them, as what is a file system of its own. */
export async function sendNested(job: DataJob): Promise<SentMount[]> {
  const sent: SentMount[] = []
  const seen = new Set<string>()
  for (const action of job.moves.flatMap(({ plan }) => plan.mounts)) {
    const { inside, place, stored: { described: { source } } } = action
    if (inside === undefined || !('path' in place) || seen.has(source)) continue
    seen.add(source)
    const copyJob = await copyJobOf(job, action)
    if (await hasCome(copyJob, place.path)) continue
    await makeBindPlace({ run: job.run, engine: job.target, temporary: job.temporary.target }, place)
    sent.push({ action, report: await sendAnew(copyJob) })
  }
  return sent
}

async function copyJobOf({ run, source, target, options, temporary }: DataJob, { place, stored: { planned, described } }: MountAction<LiveMount>): Promise<CopyMountJob> {
  const to = await targetOf(target, place, undefined, run.signal)
  return { run, source, target, from: planned.target, to, label: described.label, reader: options.reader, sourceJournal: temporary.source, targetJournal: temporary.target }
}

/** What only the engine's archive endpoints reach cannot be compared; they cross what is mounted inside. */
async function hasCome(job: CopyMountJob, path: string): Promise<boolean> {
  const { run, target, targetJournal } = job
  if ((await kindOfBind({ engine: target, path, run: run.id, journal: targetJournal, signal: run.signal })) === 'missing') return false
  await using copy = await openMountCopy(job)
  return copy.reader === 'api' || copy.writer === 'api' || (await copy.compare({ content: false }, run.signal)).length === 0
}
