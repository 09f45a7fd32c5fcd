import type { ContainerInspect, ImageInspect, MountPoint, NetworkInspect, VolumeInspect } from '../api-types.ts'
import type { EngineFacts } from '../engine.ts'

/** A container that the spec refers to: by a `container:` namespace, a link or volumes-from. */
export type Peer = { readonly id: string; readonly name: string; readonly mounts: readonly MountPoint[] }

/**
 * What a backup keeps of a container besides its data: the engine's own answers, verbatim. It survives JSON unchanged.
 * Networks and volumes are those that the container uses; predefined networks may be among them.
 */
export type ContainerRecord = {
  readonly inspect: ContainerInspect
  /** The image that the container was created from; absent when it is gone from the source. */
  readonly image?: ImageInspect
  readonly networks: readonly NetworkInspect[]
  readonly volumes: readonly VolumeInspect[]
  readonly peers: readonly Peer[]
  readonly engine: EngineFacts
}

/** The container's name without the leading slash. */
export function nameOf(inspect: ContainerInspect): string {
  return inspect.Name.replace(/^\//, '')
}
