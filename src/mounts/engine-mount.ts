import { posix } from 'node:path'
import type { MountTarget } from './mount-access.ts'

/** An element of HostConfig.Mounts. Type "bind" makes a missing source an error, where Binds would make a directory of it. */
export type EngineMount = { readonly Type: 'volume' | 'bind'; readonly Source: string; readonly Target: string; readonly ReadOnly: boolean; readonly [options: string]: unknown }

/** The mount, or of a single file the directory that holds it, at `at`. */
export function engineMount(target: MountTarget, at: string, readOnly: boolean): EngineMount {
  if (target.kind === 'volume') return { Type: 'volume', Source: target.name, Target: at, ReadOnly: readOnly, VolumeOptions: { NoCopy: true } }
  return bindMount(target.kind === 'file' ? posix.dirname(target.path) : target.path, at, readOnly)
}

export function bindMount(source: string, at: string, readOnly: boolean): EngineMount {
  return { Type: 'bind', Source: source, Target: at, ReadOnly: readOnly, BindOptions: { Propagation: 'rprivate' } }
}

/** For messages. */
export function describeTarget(target: MountTarget): string {
  return target.kind === 'volume' ? `volume "${target.name}"` : `"${target.path}"`
}
