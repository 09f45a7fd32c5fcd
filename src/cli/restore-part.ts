import { exitCodes } from '../errors/exit-codes.ts'
import { partPlanText, partText } from '../ui/describe-part.ts'
import { planPart, restoreData, restoreImages } from '../workflows/restore-only.ts'
import type { RestoreJob } from '../workflows/restore.ts'
import type { CommandContext, CommandResult } from './command.ts'
import { sayReport } from './run-command.ts'

/** `restore --only data` and `--only image`. */
export async function restorePart(job: RestoreJob, context: CommandContext): Promise<CommandResult> {
  const isData = job.options.only === 'data'
  if (context.globals.dryRun) {
    const parts = await planPart(job)
    return { text: [...parts.flatMap(part => partPlanText(part, job.engine.address)), 'nothing was changed'].join('\n'), json: { plans: parts.map(({ stored, plan }) => ({ backup: stored.backup.id, mounts: plan?.mounts.map(({ place, action, because }) => ({ place, action, because })) ?? [], images: stored.spec.images.filter(({ role }) => !isData && role === 'original').flatMap(({ names }) => names), notes: plan?.notes ?? [] })) } }
  }
  const reports = await (isData ? restoreData(job) : restoreImages(job))
  for (const report of reports) sayReport(context, partText(report))
  const isWhole = reports.every(({ stored, written, images, plan }) => (!isData || stored.lost.length === 0) && (plan?.notes.length ?? 0) === 0 && (images?.lost.length ?? 0) === 0 && written.every(({ problems, losses, lost }) => problems.length + losses.length + lost.length === 0))
  const done = reports.flatMap(({ stored, written }) => (isData ? written.map(({ place }) => ('name' in place ? place.name : 'path' in place ? place.path : place.destination)) : stored.spec.images.filter(({ role }) => role === 'original').flatMap(({ names }) => names)))
  const json = { run: job.run.id, target: job.engine.address, parts: reports.map(({ stored, plan, images, written, setAside }) => ({ backup: stored.backup.id, mounts: written, kept: plan?.mounts.filter(({ action }) => action === 'keep').map(({ place, because }) => ({ place, because })) ?? [], ...(images === undefined ? {} : { images }), notes: plan?.notes ?? [], replacedIn: setAside?.backups ?? [] })) }
  return { text: [...new Set(done)].join('\n'), json, exitCode: isWhole ? 0 : exitCodes.incomplete }
}
