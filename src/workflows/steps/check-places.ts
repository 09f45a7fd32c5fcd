import type { Engine } from '../../engine/engine.ts'
import { describePlace, keptAsAsked, type MountAction, type MountPlace, type WantedMount } from '../restore-plan.ts'
import type { Obstacles } from '../obstacles.ts'
import { holdsOwn, isWithin, kernelFolders, ownPlaces } from './own-places.ts'

const ofTheHost = ['/etc', '/usr', '/bin', '/sbin', '/lib', '/lib64', '/boot', ...kernelFolders]

/** Two mounts for one place, a kept one inside of one that is replaced, and places that must never be written over. */
export async function checkPlaces(engine: Engine, actions: readonly MountAction<WantedMount>[], own: readonly string[], obstacles: Obstacles, signal: AbortSignal): Promise<void> {
  const mine = await ownPlaces(engine, own)
  for (const [at, { place, action, stored }] of actions.entries()) {
    const source = stored.described.source
    const elsewhere = place.kind === 'volume' ? `--map-volume ${source}:OTHER` : `--map-bind ${source}:/OTHER`
    if (actions.slice(0, at).some(other => isSamePlace(other.place, place))) obstacles.add(`two mounts of the backup would both be restored to ${describePlace(place)}`, `map each to a place of its own: ${elsewhere}`)
    if (action === 'keep') continue
    if ('path' in place) {
      if (place.path === '/' || isWithin(engine.facts.rootDir, place.path) || ofTheHost.includes(place.path)) obstacles.add(`${describePlace(place)} belongs to the host itself`, `restore it elsewhere: ${elsewhere}`)
      const kept = actions.find(other => other.because === keptAsAsked && 'path' in other.place && isWithin(other.place.path, place.path))
      if (kept !== undefined && action === 'replace') obstacles.add(`${describePlace(kept.place)} is to be kept, and lies in ${describePlace(place)}, which is to be replaced`, `keep that as well, or restore it elsewhere: ${elsewhere}`)
    }
    const path = 'path' in place ? place.path : place.kind === 'volume' && action !== 'make' ? (await engine.volumes.inspect(place.name, { signal })).Mountpoint : undefined
    if (path !== undefined && path !== '' && (await holdsOwn(path, mine))) obstacles.add(`${describePlace(place)} holds the repository that is restored from, or the journal of this run`, `restore it elsewhere: ${elsewhere}`)
  }
}

function isSamePlace(one: MountPlace, other: MountPlace): boolean {
  if (one.kind === 'anonymous' || other.kind === 'anonymous') return one.kind === other.kind && 'destination' in one && 'destination' in other && one.destination === other.destination
  return 'name' in one ? 'name' in other && one.name === other.name : 'path' in other && one.path === other.path
}
