import { comesWith, describePlace, type MountPlace, type RestorePlan, type StoredContainer } from '../restore-plan.ts'
import type { Obstacles } from '../obstacles.ts'
import { nestMounts } from './nest-mounts.ts'

/** One container that is restored, and what is to be done for it. */
export type Restoring = { readonly spec: StoredContainer['spec']; readonly stored: StoredContainer; readonly plan: RestorePlan }

/**
 * What several containers have is written once, by the newest of the backups that hold it, and comes to the others with its
 * container; a bind inside another one comes with that. Two different things for one place are an obstacle.
 */
export function shareMounts(restoring: readonly Restoring[], obstacles: Obstacles): Restoring[] {
  const writers = new Map<string, { readonly by: Restoring; readonly source: string }>()
  for (const by of restoring) {
    for (const { place, action, stored: { described } } of by.plan.mounts) {
      const key = keyOf(place)
      if (key === undefined || action === 'keep') continue
      const other = writers.get(key)
      if (other !== undefined && other.source !== described.source) obstacles.add(`"${other.source}" and "${described.source}" would both be restored to ${describePlace(place)}`, 'map each to a place of its own: --map-volume, --map-bind')
      if (other === undefined || other.by.stored.backup.created < by.stored.backup.created) writers.set(key, { by, source: described.source })
    }
  }
  const shared = restoring.map(each => ({
    ...each,
    plan: {
      ...each.plan,
      mounts: each.plan.mounts.map(mount => {
        const writer = writers.get(keyOf(mount.place) ?? '')?.by
        return writer === undefined || writer === each || mount.action === 'keep' ? mount : { ...mount, action: 'keep' as const, because: `${comesWith} container "${writer.plan.name}"` }
      }),
    },
  }))
  const all = shared.flatMap(({ plan }) => plan.mounts)
  return shared.map(each => ({ ...each, plan: { ...each.plan, mounts: nestMounts(each.plan.mounts, all, obstacles) } }))
}

function keyOf(place: MountPlace): string | undefined {
  return place.kind === 'anonymous' ? undefined : 'name' in place ? `volume ${place.name}` : `path ${place.path}`
}
