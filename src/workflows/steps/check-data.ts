import type { MountPoint } from '../../engine/api-types.ts'
import { toCreateRequest } from '../../engine/spec/create-request.ts'
import { remapRecord } from '../../engine/spec/remap-record.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { Obstacles } from '../obstacles.ts'
import { optionsFor, type StoredContainer, type StoredMount } from '../restore-plan.ts'
import { holdsSameAs, type CheckRestoreJob } from './check-restore.ts'
import { planMountActions } from './check-mounts.ts'
import { checkNamesOfBackups } from './check-names.ts'
import { checkPlaces } from './check-places.ts'
import { findContainer } from './check-target.ts'
import { inspectRunning } from './running-containers.ts'
import { shareMounts, type Restoring } from './share-mounts.ts'

/**
 * What happens to the data of each mount when no container is made. An anonymous volume means the one that the container of that name
 * has there; without one its data has no place, which is a note.
 */
export async function planData(job: CheckRestoreJob, obstacles: Obstacles): Promise<Restoring[]> {
  const { run: { signal, journalFolder }, engine, repository, found, options: all } = job
  checkNamesOfBackups(found, all)
  const restoring: Restoring[] = []
  for (const stored of found) {
    const recorded = nameOf(stored.spec.inspect)
    const options = optionsFor(all, recorded)
    const name = options.name ?? recorded
    const mounts = (await findContainer(engine, name, signal))?.Mounts ?? []
    const { placed, notes } = placeAnonymous(stored, mounts, name)
    const remaps = { ...options.remaps, volumes: new Map([...options.remaps.volumes, ...placed.names]) }
    const request = toCreateRequest(stored.spec, { target: engine.facts, name, imageRef: stored.spec.inspect.Config.Image, remaps, peers: new Map(), obstacles: new Obstacles() })
    const needed = { ...request, anonymous: [], volumes: request.volumes.filter(({ Name }) => placed.mounts.some(({ described: { source } }) => (remaps.volumes.get(source) ?? source) === Name)) }
    let running: ReturnType<typeof inspectRunning> | undefined
    const actions = await planMountActions({ ...job, options: { ...options, remaps }, stored: { ...stored, mounts: placed.mounts }, own: [repository.path], holdsSame: holdsSameAs(job), mayReplace: true, record: remapRecord(stored.spec, remaps), request: needed, running: () => (running ??= inspectRunning(engine, [], signal)), obstacles })
    await checkPlaces(engine, actions, [repository.path, journalFolder], obstacles, signal)
    restoring.push({ spec: stored.spec, stored, plan: { name, request: needed, imageRef: stored.spec.inspect.Config.Image, peers: new Map(), networks: [], mounts: actions, notes } })
  }
  return shareMounts(restoring, obstacles)
}

type Placed = { readonly mounts: readonly StoredMount[]; readonly names: readonly (readonly [string, string])[] }

function placeAnonymous({ mounts }: StoredContainer, there: readonly MountPoint[], container: string): { readonly placed: Placed; readonly notes: readonly string[] } {
  const names: [string, string][] = []
  const notes: string[] = []
  const kept = mounts.filter(({ described: { anonymous, source, destinations } }) => {
    if (!anonymous) return true
    const volume = there.find(({ Type, Destination }) => Type === 'volume' && destinations.some(({ path }) => path === Destination))?.Name
    if (volume === undefined) notes.push(`the anonymous volume at ${destinations.map(({ path }) => path).join(', ')} has no place: there is no container "${container}" that has it`)
    else names.push([source, volume])
    return volume !== undefined
  })
  return { placed: { mounts: kept, names }, notes }
}
