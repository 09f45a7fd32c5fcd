import type { Engine } from '../../engine/engine.ts'
import type { MountTarget } from '../../mounts/mount-access.ts'
import { Gate } from '../../engine/gate.ts'
import { openMountWriter } from '../../mounts/open-mount.ts'
import { labelsOf, temporaryName } from '../../mounts/temporary-objects.ts'
import { allOrNone } from '../all-or-none.ts'
import type { LiveMount, MigrateJob, Move, Temporaries } from '../migration.ts'
import type { MountAction, MountPlace } from '../restore-plan.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { holdMemory } from './hold-memory.ts'
import { openMountCopy, type CopyMountJob, type CopyReport, type MountCopy } from './copy-mount.ts'
import { moveVolumeData } from './move-volume-data.ts'
import { recordFilling } from './restore-mounts.ts'
import { makeBindPlace, targetOf, volumeTarget } from './write-mount.ts'

/** The copy of one mount, wherever the containers have it. */
export type DataCopy = {
  readonly action: MountAction<LiveMount>
  /** Id on the source of the first container that has the mount. */
  readonly container: string
  /** The volume of ours in which the data waits, where the volume is made by create and has no name before. */
  readonly waits?: string
  readonly copy: MountCopy
  readonly job: CopyMountJob
}

/** How the last pass over a mount went. */
export type SentMount = Pick<DataCopy, 'action'> & { readonly report: CopyReport }

/** An ssh server opens ten sessions on a connection, unless told otherwise. */
const atOnce = 3

/** A first pass of this length leaves time for changes that would make the rest long. */
const worthAnotherMs = 10_000

export type DataJob = MigrateJob & { readonly moves: readonly Move[]; readonly temporary: Temporaries }

/** One for each mount that is not kept as the target has it; what has to be there for it is made. A failure closes those that are open. */
export async function openCopies(job: DataJob): Promise<DataCopy[]> {
  const copies: DataCopy[] = []
  const seen = new Set<string>()
  try {
    for (const { spec: { inspect }, plan } of job.moves) {
      for (const action of plan.mounts.filter(each => each.action !== 'keep')) {
        const { kind, source } = action.stored.described
        if (seen.has(`${kind} ${source}`)) continue
        seen.add(`${kind} ${source}`)
        copies.push(await openCopy(job, inspect.Id, action))
      }
    }
    return copies
  } catch (thrown) {
    await closeCopies(copies)
    throw thrown
  }
}

export async function closeCopies(copies: readonly DataCopy[]): Promise<void> {
  for (const { copy } of copies) await copy[Symbol.asyncDispose]()
}

async function openCopy({ run, source, target, options, temporary }: DataJob, container: string, action: MountAction<LiveMount>): Promise<DataCopy> {
  const { place, stored: { planned, described } } = action
  if (action.action === 'make' && 'path' in place) await makeBindPlace({ run, engine: target, temporary: temporary.target }, place)
  const waits = place.kind === 'anonymous' ? await makeWaitingRoom(target, run, temporary.target) : undefined
  const to = waits === undefined ? await targetOf(target, place, undefined, run.signal) : await volumeTarget(target, waits, run.signal)
  if (action.action === 'fill') await noteEmpty({ run, target, options, temporary }, place, to)
  if (to.kind === 'volume') await holdMemory({ run, engine: target, temporary: temporary.target }, [to.name])
  const job: CopyMountJob = { run, source, target, from: planned.target, to, label: described.label, reader: options.reader, sourceJournal: temporary.source, targetJournal: temporary.target }
  return { action, container, job, copy: await openMountCopy(job), ...(waits === undefined ? {} : { waits }) }
}

/** The way back of what is there, and empty: to be emptied again. */
async function noteEmpty({ run, target, options, temporary }: Pick<DataJob, 'run' | 'target' | 'options' | 'temporary'>, place: MountPlace, to: MountTarget): Promise<void> {
  await using writer = await openMountWriter({ engine: target, target: to, reader: options.reader, run: run.id, journal: temporary.target, signal: run.signal })
  await recordFilling({ run, engine: target }, place, writer, {})
}

async function makeWaitingRoom(engine: Engine, run: Run, journal: TemporaryJournal): Promise<string> {
  const name = temporaryName(run.id, 'data')
  await journal({ kind: 'volume', name })
  await engine.volumes.create({ Name: name, Labels: labelsOf(run.id) }, { signal: run.signal })
  return name
}

type CopiesJob = { readonly run: Run; readonly copies: readonly DataCopy[] }

/**
 * While the source runs: everything, a few mounts at a time, and what has changed during that once more where it took long, so that
 * the last pass has little to do. The first failure ends the others.
 */
export async function precopyData({ run, copies, signal = run.signal }: CopiesJob & { readonly signal?: AbortSignal }): Promise<void> {
  const failed = new AbortController()
  const ending = AbortSignal.any([signal, failed.signal])
  const gate = new Gate(atOnce)
  const precopy = async ({ copy }: DataCopy): Promise<void> => {
    const startedAt = performance.now()
    await copy.precopy(ending)
    if (performance.now() - startedAt > worthAnotherMs) await copy.precopy(ending)
  }
  await allOrNone(copies.map(async each => {
    try {
      await gate.run(() => precopy(each))
    } catch (thrown) {
      failed.abort(thrown)
      throw thrown
    }
  }))
}

/** What takes its time to start is started while the source still runs. */
export async function prepareLastPass({ run, copies }: CopiesJob): Promise<void> {
  await allOrNone(copies.map(({ copy }) => copy.prepare(run.signal)))
}

/** At rest: what has changed is sent, and what is gone is removed. */
export async function finishData({ run, copies }: CopiesJob): Promise<SentMount[]> {
  return await allOrNone(copies.map(async ({ action, copy }) => ({ action, report: await copy.finish(run.signal) })))
}

/** How the copies differ from the source, which rests; none is as it should be. */
export async function compareData({ run, copies }: CopiesJob, content: boolean): Promise<string[]> {
  const found: string[] = []
  for (const { copy, action } of copies) found.push(...(await copy.compare({ content }, run.signal)).map(text => `${action.stored.described.label}: ${text}`))
  return found
}

/**
 * When the containers are there: data that waited goes into the volumes that their create made, and what create put into volumes
 * that are empty on the source is removed again.
 */
export async function settleData({ run, target, temporary, copies, reports, ids }: DataJob & { readonly copies: readonly DataCopy[]; readonly reports: readonly SentMount[]; readonly ids: ReadonlyMap<string, string> }): Promise<void> {
  for (const { action, container, waits, copy, job } of copies) {
    const entries = reports.find(each => each.action === action)?.report.entries ?? 0
    if (waits !== undefined) {
      const to = await targetOf(target, action.place, ids.get(container), run.signal)
      const from = await volumeTarget(target, waits, run.signal)
      await moveVolumeData({ run, engine: target, from, to, journal: temporary.target, signal: run.signal })
    } else if (action.place.kind === 'volume' && entries <= 1 && copy.reader !== 'api' && copy.writer !== 'api' && (await copy.compare({ content: false }, run.signal)).length > 0) {
      await sendAnew(job)
    }
  }
}

/** Over what the target has there. */
export async function sendAnew(job: CopyMountJob): Promise<CopyReport> {
  const { run, target, to, reader, targetJournal } = job
  {
    await using writer = await openMountWriter({ engine: target, target: to, reader, run: run.id, journal: targetJournal, signal: run.signal })
    await writer.empty(run.signal)
  }
  await using copy = await openMountCopy(job)
  return await copy.finish(run.signal)
}

/** Whether the target has the same at that place already, as on storage that both share. */
export async function holdsSameNow({ run, source, target, options, temporary }: MigrateJob & { readonly temporary: Temporaries }, mount: LiveMount, place: MountPlace): Promise<boolean> {
  const to = await targetOf(target, place, undefined, run.signal)
  await using copy = await openMountCopy({ run, source, target, from: mount.planned.target, to, label: mount.described.label, reader: options.reader, sourceJournal: temporary.source, targetJournal: temporary.target })
  return (await copy.compare({ content: false }, run.signal)).length === 0
}

