import { posix } from 'node:path'
import type { MountTarget } from './mount-access.ts'

/** An element of HostConfig.Mounts. Type "bind" makes a missing source an error, where Binds would make a directory of it. */
export type EngineMount = { readonly Type: 'volume' | 'bind'; readonly Source: string; readonly Target: string; readonly ReadOnly: boolean; readonly [options: string]: unknown }

/** The mount, or of a single file the directory that holds it, at `at`. */
export function engineMount(target: MountTarget, at: string, readOnly: boolean): EngineMount {
  if (target.kind === 'volume') return { Type: 'volume', Source: target.name, Target: at, ReadOnly: readOnly, VolumeOptions: { NoCopy: true } }
  return bindMount(target.kind === 'file' ? posix.dirname(target.path) : target.path, at, readOnly)
}

/** No propagation is named: the engine takes rprivate, but of a folder that its own data lies in (such as "/") rslave, and refuses another. */
export function bindMount(source: string, at: string, readOnly: boolean): EngineMount {
  return { Type: 'bind', Source: source, Target: at, ReadOnly: readOnly }
}

/** For the archive endpoints, which before 24.0 would mount what is mounted inside it anew at each call (ENGINE-FACTS 3.3). */
export function withoutNested(mount: EngineMount): EngineMount {
  return mount.Type === 'bind' ? { ...mount, BindOptions: { NonRecursive: true } } : mount
}

/** For messages. */
export function describeTarget(target: MountTarget): string {
  return target.kind === 'volume' ? `volume "${target.name}"` : `"${target.path}"`
}
