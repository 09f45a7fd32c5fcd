/**
 * Moves containers from one engine to another: nearly everything is sent while they run, the rest while they rest. Whatever fails
 * before the source is retired, the source is as it was, and the target holds nothing of the run.
 */
import type { SpecComparison } from '../engine/spec/compare-specs.ts'
import { DrayError } from '../errors/dray-error.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import type { LiveContainer, MigrateJob, MigrateOptions, Move, Temporaries } from './migration.ts'
import { closeUp, putBackSource, removeCopies } from './roll-back-migration.ts'
import { temporaryJournal } from './run.ts'
import { allOrNone } from './all-or-none.ts'
import { announceCommit } from './steps/capture-image.ts'
import { checkMigration, type CheckedMigration } from './steps/check-migration.ts'
import { chooseContainers } from './steps/choose-containers.ts'
import { inOrder } from './steps/choose-together.ts'
import { holdMemory } from './steps/hold-memory.ts'
import { lookAlive, warnOfOtherWriters } from './steps/look-alive.ts'
import { compareAll, createAll, makePlaces, startAll, type StartedCopies } from './steps/make-copies.ts'
import { takeTurn } from './steps/restore-turn.ts'
import { bringToRest, leaveAtRest, requireRest, type Rest } from './steps/rest-source.ts'
import { keepCopies, retireSources } from './steps/retire-source.ts'
import { closeCopies, compareData, finishData, openCopies, precopyData, prepareLastPass, settleData, type DataCopy, type SentMount } from './steps/send-data.ts'
import { sendChanges, sendImages, type SentImages } from './steps/send-images.ts'
import { sendNested } from './steps/send-nested.ts'

const precopying = 'send its data while it runs'
const comparing = 'compare the data, content too'

export const migratePipeline = Pipeline.named<MigrateJob>('migrate')
  .step('look at the source', lookAtSource, { cleanup: { name: 'what was made for the moment', run: closeUp } })
  .step('check the target', checkMigration)
  .act('make its networks and volumes', makePlaces, { undo: { name: 'what was made on the target is removed', run: removeCopies, coversHalf: true } })
  .step('open its mounts', async state => ({ copies: await openCopies(state) }), { cleanup: { name: 'the readers and writers of its mounts', run: ({ copies }) => closeCopies(copies) } })
  .step('send its image', async state => ({ images: await sendImages(state) }))
  .actIf(({ options }) => options.precopy, precopying, precopyData)
  .act('prepare the last pass', prepare)
  .step('bring the source to rest', async state => ({ rest: await bringToRest(state) }), { undo: { name: 'the source is as it was', run: putBackSource, coversHalf: true }, cleanup: { name: 'the watch of its rest', run: ({ rest }) => leaveAtRest(rest) } })
  .step('send what has changed', sendRest)
  .actIf(({ options }) => options.removeSource, comparing, requireEqual)
  .step('create it on the target', async state => ({ ids: await createAll(state) }))
  .act('settle its data', settleData)
  .step('start it and wait for its health', async state => ({ started: await startAll(state) }))
  .step('compare its settings', async state => ({ comparisons: await compareAll(state) }))
  .act('keep what was made', keepCopies)
  .pointOfNoReturn()
  .act('retire the source', retireSources)

export type MigrateReport = {
  readonly run: string
  readonly moves: readonly Move[]
  readonly ids: ReadonlyMap<string, string>
  readonly images: SentImages
  readonly mounts: readonly SentMount[]
  readonly started: StartedCopies
  readonly comparisons: ReadonlyMap<string, SpecComparison>
  /** From asking the first container to stop until the last one is up on the target; undefined when none ran. */
  readonly downtimeMs: number | undefined
  readonly sourceRemoved: boolean
  readonly milliseconds: number
}

export async function migrateContainers(job: MigrateJob): Promise<MigrateReport> {
  const startedAt = performance.now()
  const turn = await takeTurn({ run: job.run, engine: job.target })
  try {
    job.run.reporter.planned?.(stepsOf(job.options))
    const { state: { moves, ids, images, reports, started, comparisons, rest } } = await migratePipeline.run(job, { signal: job.run.signal, observer: job.run.reporter })
    const downtimeMs = rest.since === undefined || started.upAt === undefined ? undefined : started.upAt - rest.since
    return { run: job.run.id, moves, ids, images, mounts: reports, started, comparisons, downtimeMs, sourceRemoved: job.options.removeSource, milliseconds: performance.now() - startedAt }
  } finally {
    await turn.release()
  }
}

/** The steps that such a migration takes. */
export function stepsOf({ precopy, removeSource }: Pick<MigrateOptions, 'precopy' | 'removeSource'>): string[] {
  return migratePipeline.plan().map(({ name }) => name).filter(name => (name !== precopying || precopy) && (name !== comparing || removeSource))
}

/** What a migration would do, with nothing done. */
export async function planMigration(job: MigrateJob): Promise<CheckedMigration> {
  const looked = await lookAtSource(job)
  try {
    return await checkMigration({ ...job, ...looked })
  } finally {
    await closeUp({ ...job, ...looked })
  }
}

type Looked = MigrateJob & { readonly containers: readonly LiveContainer[]; readonly temporary: Temporaries }

async function lookAtSource(job: MigrateJob): Promise<Omit<Looked, keyof MigrateJob>> {
  const { run, source, target, options } = job
  const temporary = { source: temporaryJournal(run, source), target: temporaryJournal(run, target) }
  const containers: LiveContainer[] = []
  try {
    const { chosen, failed: [missing] } = await chooseContainers(source, { names: options.containers, projects: options.projects, labels: [], all: false }, run.signal, { heedsLabel: false })
    if (missing !== undefined) throw missing.error
    for (const { Id } of chosen) containers.push(await lookAlive({ run, source, temporary: temporary.source }, Id))
    if (options.name !== undefined && containers.length > 1) throw new DrayError('usage', '--name is for one container')
    await warnOfOtherWriters(job, containers)
    return { temporary, containers: inOrder(containers) }
  } catch (thrown) {
    await closeUp(job)
    throw thrown
  }
}

type Opened = Looked & CheckedMigration & { readonly copies: readonly DataCopy[]; readonly images: SentImages }

/** What would take its time while the source rests: helpers, lines in the journal. */
async function prepare(state: Opened): Promise<void> {
  const { run, source, moves, temporary } = state
  for (const { spec } of moves) await announceCommit(run, source, spec.inspect, { changes: [] })
  await holdMemory({ run, engine: source, temporary: temporary.source }, moves.flatMap(({ spec }) => spec.volumes.map(({ Name }) => Name)))
  await prepareLastPass(state)
}

async function sendRest(state: Opened & { readonly rest: Rest }): Promise<{ images: SentImages; reports: readonly SentMount[] }> {
  const [images, reports] = await allOrNone([sendChanges(state), finishData(state)])
  const nested = await sendNested(state)
  await requireRest(state)
  return { images, reports: [...reports, ...nested] }
}

async function requireEqual(state: Opened): Promise<void> {
  const differences = await compareData(state, true)
  if (differences.length > 0) throw new DrayError('io-failed', `the data on the target is not what the source holds: ${differences.slice(0, 5).join('; ')}`, { hints: ['run the same command again; without --remove-source the source would be kept'] })
}
