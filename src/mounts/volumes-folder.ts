import { posix } from 'node:path'
import type { Engine } from '../engine/engine.ts'
import { DrayError } from '../errors/dray-error.ts'
import { sightOf, whyNotThere } from './engine-files.ts'
import { bindMount } from './engine-mount.ts'
import { helperTools, mountedAt } from './helper-tools.ts'
import { hostTools } from './host-tools.ts'
import type { MountTarget } from './mount-access.ts'
import { runScript, type MountTools } from './mount-tools.ts'
import type { Journal } from './temporary-objects.ts'

export type VolumesFolderOptions = { readonly engine: Engine; readonly volumes: readonly (MountTarget & { readonly kind: 'volume' })[]; readonly run: string; readonly journal: Journal; readonly signal: AbortSignal }

/** The tools in the folder that holds these volumes, `directoryOfEngine` as the engine names it. Undefined where there is no such folder, or no way to it. */
export async function openVolumesFolder({ engine, volumes, run, journal, signal }: VolumesFolderOptions): Promise<(MountTools & { readonly directoryOfEngine: string }) | undefined> {
  const scope = { engine, run, journal }
  const [first] = volumes
  if (first === undefined) return undefined
  const path = posix.dirname(posix.dirname(first.mountpoint))
  for (const volume of volumes) if ((await whyNotThere(engine, { volumes: path }, volume, signal)) !== undefined) return undefined
  const target = { kind: 'directory', path } as const
  const sight = await sightOf(scope, signal)
  if (sight.sees && sight.volumes === path) return { ...hostTools(sight.shell, target), directoryOfEngine: path }
  try {
    // An engine lets its own folder be mounted only so that it sees what is unmounted meanwhile.
    const tools = await helperTools(scope, target, 'write', signal, { ...bindMount(path, mountedAt, false), BindOptions: { Propagation: 'rslave' } })
    if (await isUsable(tools, signal)) return { ...tools, directoryOfEngine: path }
    await tools.close()
  } catch (thrown) {
    signal.throwIfAborted()
    if (!(thrown instanceof DrayError) || thrown.code === 'engine-unreachable' || thrown.code === 'unauthorized') throw thrown
  }
  return undefined
}

async function isUsable(tools: MountTools, signal: AbortSignal): Promise<boolean> {
  try {
    return (await runScript(tools, 'stat . > /dev/null', [], signal)).exitCode === 0
  } catch (thrown) {
    await tools.close()
    throw thrown
  }
}
