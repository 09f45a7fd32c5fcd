import { posix } from 'node:path'
import { comesWith, describePlace, type MountAction, type WantedMount } from '../restore-plan.ts'
import type { Obstacles } from '../obstacles.ts'
import { isWithin } from './own-places.ts'

/**
 * A bind inside another one that is written in the same run comes with that one: its data is not written a second time. `all` are those of
 * every container. Two places of which one would lie in the other, although their sources do not, are an obstacle.
 */
export function nestMounts<Mount extends WantedMount>(mounts: readonly MountAction<Mount>[], all: readonly MountAction<WantedMount>[], obstacles: Obstacles): MountAction<Mount>[] {
  return mounts.map(mount => {
    const inner = pathsOf(mount)
    if (inner === undefined) return mount
    const around = all.flatMap(other => pathsOf(other) ?? []).filter(({ path }) => path !== inner.path && isWithin(inner.path, path)).sort((a, b) => a.path.length - b.path.length)
    const stranger = around.find(outer => posix.relative(outer.path, inner.path) !== posix.relative(outer.source, inner.source))
    if (stranger !== undefined) {
      obstacles.add(`${describePlace(mount.place)} would lie in "${stranger.path}", where "${inner.source}" was not: both would be written there`, `map it to a place of its own: --map-bind ${inner.source}:/OTHER`)
      return mount
    }
    const [outer] = around
    return outer === undefined ? mount : { ...mount, action: 'keep', inside: outer.path, because: `${comesWith} "${outer.path}"` }
  })
}

/** Of a bind that is written. */
function pathsOf({ place, action, stored: { described } }: MountAction<WantedMount>): { readonly path: string; readonly source: string } | undefined {
  return action === 'keep' || !('path' in place) ? undefined : { path: place.path, source: described.source }
}
