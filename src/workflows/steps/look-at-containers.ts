import type { Engine } from '../../engine/engine.ts'
import { ownContainer } from '../../engine/own-container.ts'
import { recordContainer } from '../../engine/spec/record-container.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'
import { refuseSwarmTask } from '../../engine/spec/swarm-task.ts'
import { kindOfBind } from '../../mounts/bind-kind.ts'
import { readContainerLabels, type ContainerLabels } from '../container-labels.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { dependentsLeftBehind, inOrder } from './choose-together.ts'
import { chooseFreeze, type Consistency } from './freeze.ts'
import { seeOwnState } from './other-rests.ts'
import { otherWriters } from './other-writers.ts'
import { checkPatterns, planMounts, type MountPlan } from './plan-mounts.ts'

/** One container of a backup, as it was found. */
export type Member = {
  readonly spec: ContainerRecord
  readonly plan: MountPlan
  /** How it is to rest. */
  readonly wanted: Consistency
  readonly labels: ContainerLabels
}

/** What counts besides the options: the labels of the containers, but for that of consistency where it was asked for. A way back obeys nothing: it leaves nothing out. */
export type Obeyed = 'labels' | 'labels but consistency' | 'nothing'

export type LookJob = {
  readonly run: Run
  readonly engine: Engine
  readonly containers: readonly string[]
  readonly consistency: Consistency
  readonly obeys: Obeyed
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly repositoryPath: string
  readonly temporary: TemporaryJournal
}

/** Each after those it needs. What is not captured of them is said, and who writes to their volumes besides. */
export async function lookAtContainers(job: LookJob): Promise<Member[]> {
  const { run, engine, containers, obeys } = job
  const { signal, reporter } = run
  const found = new Map<string, { readonly spec: ContainerRecord }>()
  for (const container of containers) {
    const spec = await seeOwnState(run, () => recordContainer(engine, container, { signal }))
    refuseSwarmTask(spec.inspect)
    found.set(spec.inspect.Id, { spec })
  }
  const ordered = inOrder([...found.values()])
  for (const text of await otherWriters(engine, ordered.map(({ spec }) => spec), signal)) reporter.warn(text)
  const members: Member[] = []
  for (const { spec } of ordered) {
    const labels = readContainerLabels(obeys === 'nothing' ? {} : spec.inspect.Config.Labels, nameOf(spec.inspect))
    checkPatterns([{ name: nameOf(spec.inspect), mounts: spec.inspect.Mounts }], labels.exclude)
    members.push({ spec, labels, plan: await planMember({ ...job, exclude: [...job.exclude, ...labels.exclude] }, spec), wanted: restOf(job, spec, labels) })
  }
  const stopped = members.filter(({ spec, wanted }) => chooseFreeze(spec.inspect, wanted) === 'stop').map(({ spec }) => spec.inspect)
  for (const { id, name, of, shares } of await dependentsLeftBehind(engine, stopped, signal)) {
    if (!found.has(id)) reporter.warn(`container "${name}" uses the ${shares} of "${of}", which is stopped for the moment: it may have to be restarted afterwards, unless it is backed up with it: dray backup ${of} ${name}`)
  }
  for (const { spec, plan: { leftOut, missing } } of members) {
    const whose = members.length > 1 ? `${nameOf(spec.inspect)}: ` : ''
    for (const { destination, source, reason, canBeAsked } of leftOut) reporter.note(`${whose}not captured: ${source} at ${destination}: ${reason}${canBeAsked ? ` (capture it with --include ${destination})` : ''}`)
    for (const { destination, source, reason } of missing) reporter.warn(`${whose}not captured: ${source} at ${destination}: ${reason}`)
  }
  return members
}

/** The one that dray itself runs in would never be woken again. */
function restOf({ run, obeys, ...job }: LookJob, { inspect }: ContainerRecord, labels: ContainerLabels): Consistency {
  const consistency = obeys === 'labels' ? (labels.consistency ?? job.consistency) : job.consistency
  if (consistency === 'none' || inspect.Id !== ownContainer()) return consistency
  run.reporter.note(`container "${nameOf(inspect)}" is the one that dray runs in: it is not brought to rest`)
  return 'none'
}

async function planMember({ run, engine, include, exclude, repositoryPath, temporary }: LookJob, record: ContainerRecord): Promise<MountPlan> {
  const kindOf = (path: string) => kindOfBind({ engine, path, run: run.id, journal: temporary, signal: run.signal })
  return await planMounts({ engine, record, include, exclude, repositoryPath, kindOf })
}
