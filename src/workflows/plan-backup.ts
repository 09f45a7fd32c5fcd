/** What a backup would do: everything that can be known without reading data. Leaves the engine as it is. */
import type { Engine } from '../engine/engine.ts'
import { recordContainer } from '../engine/spec/record-container.ts'
import { nameOf, type ContainerRecord } from '../engine/spec/spec-record.ts'
import { kindOfBind } from '../mounts/bind-kind.ts'
import type { ReaderKind } from '../mounts/mount-access.ts'
import type { BackupOptions } from './backup.ts'
import { readContainerLabels } from './container-labels.ts'
import type { LeftOutMount } from './container-spec.ts'
import { noDataRestorer, putAllRight } from './put-right.ts'
import { temporaryJournal, type Run } from './run.ts'
import { inOrder } from './steps/choose-together.ts'
import { chooseFreeze } from './steps/freeze.ts'
import { otherWriters } from './steps/other-writers.ts'
import { planMounts } from './steps/plan-mounts.ts'
import { closeMounts, openMounts, type OpenMount } from './steps/read-mounts.ts'
import { sizeOf } from './steps/size-of-mount.ts'

export type BackupPlan = {
  readonly container: string
  /** Those that rest at the same time, and are in the same backup. */
  readonly together: readonly string[]
  readonly state: string
  readonly image: string
  readonly writableLayer: string
  readonly networks: readonly string[]
  readonly rest: string
  /** Its commands dray.pre, dray.dump and dray.post, with their labels. */
  readonly hooks: readonly string[]
  readonly mounts: readonly { readonly label: string; readonly kind: string; readonly destinations: readonly { readonly path: string; readonly readOnly: boolean }[]; readonly reader: ReaderKind; readonly because: string; readonly entries?: number; readonly dataBytes?: number; readonly nested: readonly string[] }[]
  readonly leftOut: readonly LeftOutMount[]
  readonly missing: readonly LeftOutMount[]
  readonly otherWriters: readonly string[]
}

export type PlanJob = { readonly run: Run; readonly engine: Engine; readonly repositoryPath: string; readonly options: Pick<BackupOptions, 'containers' | 'include' | 'exclude' | 'reader' | 'consistency' | 'obeys'> }

/** One plan for each container of a group. */
export async function planBackup(job: PlanJob): Promise<BackupPlan[]> {
  const { engine, options, run: { signal } } = job
  const records: ContainerRecord[] = []
  for (const container of options.containers) records.push(await recordContainer(engine, container, { signal }))
  const writers = await otherWriters(engine, records, signal)
  const plans: BackupPlan[] = []
  for (const { spec } of inOrder(records.map(record => ({ spec: record })))) {
    const together = records.map(({ inspect }) => nameOf(inspect)).filter(name => name !== nameOf(spec.inspect))
    plans.push({ ...(await planContainer(job, spec)), together, otherWriters: writers })
  }
  return plans
}

async function planContainer({ run, engine, repositoryPath, options }: PlanJob, record: ContainerRecord): Promise<Omit<BackupPlan, 'together' | 'otherWriters'>> {
  const journal = temporaryJournal(run, engine)
  const { signal } = run
  let open: OpenMount[] = []
  try {
    const { inspect, image } = record
    const labels = readContainerLabels(inspect.Config.Labels, nameOf(inspect))
    const plan = await planMounts({ engine, record, include: options.include, exclude: [...options.exclude, ...labels.exclude], repositoryPath, kindOf: path => kindOfBind({ engine, path, run: run.id, journal, signal }) })
    open = await openMounts({ run, engine, mounts: plan.captured, reader: options.reader, base: undefined, temporary: journal })
    const mounts: BackupPlan['mounts'][number][] = []
    for (const each of open) mounts.push(await look(each, signal))
    const changes = image === undefined ? [] : await engine.containers.changes(inspect.Id, { signal })
    return {
      container: nameOf(inspect),
      state: inspect.State.Status,
      image: image === undefined ? `${inspect.Config.Image} is gone from the engine: the root file system is stored as one layer` : inspect.Config.Image,
      writableLayer: image === undefined ? 'part of that one layer' : changes.length === 0 ? 'none: the image is stored as it is' : `${changes.length} ${changes.length === 1 ? 'path' : 'paths'} of the writable layer: stored as a commit`,
      networks: Object.keys(inspect.NetworkSettings.Networks),
      rest: restOf(chooseFreeze(inspect, options.obeys === 'labels' ? (labels.consistency ?? options.consistency) : options.consistency)),
      hooks: (['pre', 'dump', 'post'] as const).flatMap(hook => (labels[hook] === undefined ? [] : [`dray.${hook}: ${labels[hook]}`])),
      mounts,
      leftOut: plan.leftOut,
      missing: plan.missing,
    }
  } finally {
    await closeMounts(open)
    await putAllRight(engine, run, run.journal.open(), noDataRestorer)
  }
}

async function look({ mount, reader }: OpenMount, signal: AbortSignal): Promise<BackupPlan['mounts'][number]> {
  const { label, target, destinations } = mount
  const sizes = reader.canList ? await sizeOf(reader, signal) : {}
  return { label, kind: target.kind, destinations, reader: reader.kind, because: reader.chosenBecause, ...sizes, nested: (reader.nested ?? []).map(String) }
}

function restOf(way: ReturnType<typeof chooseFreeze>): string {
  switch (way) {
    case 'pause':
      return 'paused while what has changed is read'
    case 'stop':
      return 'stopped while what has changed is read'
    case 'still already':
      return 'it does not run, or is paused, already'
    case 'none':
      return 'not at all: its data may not be of one moment'
  }
}
