import type { Engine } from '../engine/engine.ts'
import { DrayError } from '../errors/dray-error.ts'
import { inParallel } from '../store/in-parallel.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import type { Repository } from '../store/repository.ts'
import { Slots } from '../store/slots.ts'
import { backupText, imagesText } from '../ui/describe-backup.ts'
import { backUpContainers } from '../workflows/backup.ts'
import { backUpImages } from '../workflows/backup-images.ts'
import type { Run } from '../workflows/run.ts'
import { SharedImages } from '../workflows/shared-images.ts'
import type { BackupTask } from './backup-task.ts'
import { chooseGroups } from './choose-groups.ts'
import type { CommandContext } from './command.ts'
import { forEachGroup } from './for-each-group.ts'
import { lockRepository } from './repository-lock.ts'
import { sayReport } from './run-command.ts'
import type { Outcome } from './task-summary.ts'
import { readVersion } from './version.ts'

type HostsJob = { readonly context: CommandContext; readonly task: BackupTask; readonly run: Run; readonly repository: Repository; readonly outcome: Outcome }

/** What the engines of one task share: in all as many groups are worked on at one time as the task allows. */
type Shared = { readonly slots: Slots; readonly images: SharedImages; readonly turns: Map<string, { readonly host: string; readonly turn: Slots }> }

/**
 * Backs up what a task says, of all its engines. One that cannot be reached, or of which nothing can be backed up, is named, and the
 * others have their turn; when there is no other, its failure is thrown.
 */
export async function backUpHosts(job: HostsJob): Promise<void> {
  const { context: { reporter, signal }, task: { hosts, parallel }, outcome } = job
  const shared: Shared = { slots: new Slots(parallel), images: new SharedImages(job.repository), turns: new Map() }
  const lost: unknown[] = []
  await inParallel(hosts.entries(), parallel, async ([at, host]) => {
    try {
      await backUpHost(job, shared, { host, at })
    } catch (thrown) {
      if (hosts.length === 1 || signal.aborted || !(thrown instanceof DrayError)) throw thrown
      const what = `host "${host ?? 'default'}"`
      reporter.warn(`${what} is not backed up: ${[thrown.message, ...thrown.hints].join('; ')}`)
      if (!outcome.failed.some(({ error }) => error === thrown)) outcome.failed.push({ container: host ?? 'default', what, error: thrown, host: host ?? 'default' })
      lost.push(thrown)
    }
  })
  if (lost.length === hosts.length) throw lost[0]
}

async function backUpHost({ context: outer, ...job }: HostsJob, shared: Shared, { host, at }: { readonly host: string | undefined; readonly at: number }): Promise<void> {
  const engine = await outer.connect(host)
  const context = job.task.hosts.length === 1 ? outer : { ...outer, reporter: outer.reporter.of(engine.facts.name) }
  const { host: other, turn } = shared.turns.get(engine.facts.id) ?? { host: undefined, turn: new Slots(1) }
  const named = host ?? 'default'
  if (other === undefined) shared.turns.set(engine.facts.id, { host: named, turn })
  else context.reporter.note(`host "${named}" has the engine id of host "${other}", and has its turn after it: if it is the same engine, name it once`)
  await turn.run(() => backUpEngine({ context, ...job }, shared, engine, at))
}

const mostGroups = 1_000_000

/** Groups side by side. Throws the first failure when there is no backup of any. */
async function backUpEngine({ context, task: { choices }, run, repository, outcome }: HostsJob, { slots, images }: Shared, engine: Engine, hostAt: number): Promise<void> {
  await using lock = await lockRepository(context, repository, 'shared')
  const host = engine.facts.name
  const chosen = await chooseGroups(context, engine, choices)
  if (choices.imageTags.length > 0 && chosen.groups.flat().length > 1) throw new DrayError('usage', '--image-tag is a name for the image of one container', { hints: ['back that one up alone: dray backup NAME --image-tag REF'] })
  await forEachGroup<BackupSummary>(context, chosen, {
    isNot: 'backed up',
    slots,
    onFailed: failed => void outcome.failed.push(...failed.map(each => ({ ...each, host }))),
    work: async ({ containers, at, reporter, earlier }) => {
      const options = { ...choices, containers: containers.map(({ Id }) => Id), version: readVersion() }
      const report = await backUpContainers({ run: { ...run, reporter, journal: run.journal.part() }, engine, repository, lock, options, images, earlier })
      sayReport(context, backupText(report))
      outcome.reports.push({ ...report, host, at: hostAt * mostGroups + at })
      return report.backup
    },
  })
  if (choices.images.length === 0) return
  const stored = await slots.run(() => backUpImages({ run: { ...run, reporter: context.reporter }, engine, repository, lock, refs: choices.images, tags: choices.tags, images }))
  sayReport(context, imagesText(stored))
  outcome.images.push({ ...stored, host })
}
