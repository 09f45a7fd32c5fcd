import type { PlannedMount } from './plan-mounts.ts'

/** The mounts of a backup, each once, and where each container has them. */
export type MergedMounts = {
  readonly mounts: readonly PlannedMount[]
  /** In the order of the containers. */
  readonly mountedBy: readonly (readonly { readonly id: string; readonly destinations: readonly string[] }[])[]
}

/** A volume or path that several containers have is one mount, with the places of all. */
export function mergeMounts(captured: readonly (readonly PlannedMount[])[]): MergedMounts {
  const merged = new Map<string, PlannedMount>()
  for (const mount of captured.flat()) {
    const key = keyOf(mount)
    const other = merged.get(key)
    merged.set(key, other === undefined ? { ...mount, id: `m${merged.size + 1}` } : mergeTwo(other, mount))
  }
  return {
    mounts: [...merged.values()],
    mountedBy: captured.map(mounts => mounts.map(mount => ({ id: merged.get(keyOf(mount))?.id ?? mount.id, destinations: mount.destinations.map(({ path }) => path) }))),
  }
}

function keyOf({ target }: PlannedMount): string {
  return target.kind === 'volume' ? `volume ${target.name}` : `path ${target.path}`
}

/** One that has volumes from another sees its anonymous ones under names. */
function mergeTwo(one: PlannedMount, other: PlannedMount): PlannedMount {
  const label = one.anonymous || !other.anonymous ? one.label : other.label
  const places = new Map<string, boolean>()
  for (const { path, readOnly } of [...one.destinations, ...other.destinations]) places.set(path, readOnly && (places.get(path) ?? true))
  return { ...one, label, anonymous: one.anonymous || other.anonymous, destinations: [...places].map(([path, readOnly]) => ({ path, readOnly })) }
}
