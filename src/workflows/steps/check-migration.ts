import { posix } from 'node:path'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { firstMissing } from '../../mounts/bind-path.ts'
import { kindOfBind } from '../../mounts/bind-kind.ts'
import { openMountReader } from '../../mounts/open-mount.ts'
import { allOrNone } from '../all-or-none.ts'
import type { LiveContainer, LiveMount, MigrateJob, Move, Temporaries } from '../migration.ts'
import type { MountPlace, RestoreOptions } from '../restore-plan.ts'
import { checkMachine } from './check-machine.ts'
import { checkMovable } from './check-movable.ts'
import { checkNames } from './check-names.ts'
import { Obstacles } from '../obstacles.ts'
import { checkTarget } from './check-target.ts'
import { nestMounts } from './nest-mounts.ts'
import { holdsSameNow } from './send-data.ts'
import { freeSpaceAt, freeSpaceOfEngine, type FreeSpace } from './free-disk.ts'
import { measureMount, type MeasuredMount } from './size-of-mount.ts'
import { isImageLost } from './lost-image.ts'
import { planImageTransfer } from './plan-image-transfer.ts'

export type CheckedMigration = {
  readonly moves: readonly Move[]
  /** By the mount's source: of those that can be listed. */
  readonly sizes: ReadonlyMap<string, MeasuredMount>
  /** Of the images' missing layers, as far as it is known beforehand. */
  readonly imageBytes: number
}

type Checking = MigrateJob & { readonly containers: readonly LiveContainer[]; readonly temporary: Temporaries }

/** Everything that can be known to fail, on both sides, is found before anything is changed, and named at once. */
export async function checkMigration(job: Checking): Promise<CheckedMigration> {
  const { run, source, target, options, containers, temporary } = job
  const { signal } = run
  if (source.facts.id === target.facts.id) throw new DrayError('usage', `"${source.address}" and "${target.address}" are the same engine`, { hints: ['a copy on the same engine: dray backup NAME, then dray restore latest NAME --name OTHER'] })
  checkNames(containers, options, 'container')
  const obstacles = new Obstacles()
  await checkMovable(source, containers.map(({ spec }) => spec), options.consistency, obstacles, signal)
  const restoreOptions: RestoreOptions = { ...(options.name === undefined ? {} : { name: options.name }), replace: false, start: true, remaps: options.remaps, keep: options.keep, reader: options.reader, skipDamaged: false }
  const together = new Map(containers.map(({ spec }) => [nameOf(spec.inspect), options.name ?? nameOf(spec.inspect)]))
  const kindOf = (path: string) => kindOfBind({ engine: target, path, run: run.id, journal: temporary.target, signal })
  const moves: Move[] = []
  for (const container of containers) {
    const others = new Map([...together].filter(([name]) => name !== nameOf(container.spec.inspect)))
    const holdsSame = (mount: LiveMount, _there: unknown, place: MountPlace): Promise<boolean> => holdsSameNow(job, mount, place)
    const plan = await checkTarget({ run, engine: target, stored: container, options: restoreOptions, temporary: temporary.target, own: [], holdsSame, together: others, mayReplace: false }, obstacles)
    await checkMachine({ engine: target, kindOf, obstacles }, container.spec)
    moves.push({ ...container, plan })
  }
  const all = moves.flatMap(({ plan }) => plan.mounts)
  for (const [at, move] of moves.entries()) moves[at] = { ...move, plan: { ...move.plan, mounts: nestMounts(move.plan.mounts, all, obstacles) } }
  const [sizes, imageBytes] = await allOrNone([measure(job, moves), missingImageBytes(job)])
  await checkDisk(job, moves, sizes, imageBytes, obstacles)
  obstacles.stop(target.address)
  return { moves, sizes, imageBytes }
}

async function measure({ run, source, options, temporary }: Checking, moves: readonly Move[]): Promise<Map<string, MeasuredMount>> {
  const sizes = new Map<string, MeasuredMount>()
  for (const { stored } of moves.flatMap(({ plan }) => plan.mounts).filter(({ action }) => action !== 'keep')) {
    if (sizes.has(stored.described.source)) continue
    await using reader = await openMountReader({ engine: source, target: stored.planned.target, reader: options.reader, run: run.id, journal: temporary.source, signal: run.signal })
    if (reader.canList) sizes.set(stored.described.source, await measureMount(reader, run.signal))
  }
  return sizes
}

async function missingImageBytes({ run, source, target, containers }: Checking): Promise<number> {
  let bytes = 0
  for (const id of new Set(containers.filter(({ spec }) => spec.image !== undefined).map(({ spec }) => spec.inspect.Image))) {
    bytes += await planImageTransfer({ run, source, target, signal: run.signal }, id).then(({ sendBytes }) => sendBytes, (thrown: unknown) => {
      run.signal.throwIfAborted()
      if (isImageLost(thrown)) return 0
      throw thrown
    })
  }
  return bytes
}

/** Images and volumes lie with the engine's data, binds where their folder is. A tenth more than what is sent has to be free. */
async function checkDisk({ run, target, temporary }: Checking, moves: readonly Move[], sizes: ReadonlyMap<string, MeasuredMount>, imageBytes: number, obstacles: Obstacles): Promise<void> {
  const wanted = new Map<string, { bytes: number; readonly free: number }>()
  const job = { engine: target, run, temporary: temporary.target }
  const need = async (bytes: number, look: () => Promise<FreeSpace | undefined>): Promise<void> => {
    const space = bytes === 0 ? undefined : await look()
    if (space === undefined) return
    const entry = wanted.get(space.fileSystem) ?? { bytes: 0, free: space.bytes }
    entry.bytes += bytes
    wanted.set(space.fileSystem, entry)
  }
  const counted = new Set<string>()
  let engineBytes = imageBytes
  for (const { stored, place, action } of moves.flatMap(({ plan }) => plan.mounts)) {
    const bytes = sizes.get(stored.described.source)?.dataBytes ?? 0
    if (action === 'keep' || counted.has(stored.described.source)) continue
    counted.add(stored.described.source)
    if ('path' in place) await need(bytes, async () => freeSpaceAt(job, await existingFolder(target, place, run, temporary)))
    else engineBytes += bytes
  }
  await need(engineBytes, () => freeSpaceOfEngine(job))
  for (const { bytes, free } of wanted.values()) {
    if (bytes * 1.1 > free) obstacles.add(`the target has ${toMebibytes(free)} MiB free, and ${toMebibytes(bytes)} MiB are to be sent there`, 'free some space on the target')
  }
}

async function existingFolder(engine: MigrateJob['target'], place: MountPlace & { readonly path: string }, run: MigrateJob['run'], temporary: Temporaries): Promise<string> {
  const missing = await firstMissing({ engine, path: place.path, run: run.id, journal: temporary.target, signal: run.signal })
  return missing === undefined && place.kind === 'directory' ? place.path : posix.dirname(missing ?? place.path)
}

function toMebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024)
}
