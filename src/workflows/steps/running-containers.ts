import type { ContainerInspect } from '../../engine/api-types.ts'
import type { ContainerSummary, Engine } from '../../engine/engine.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { isTemporary } from '../../mounts/temporary-objects.ts'
import { isWithin } from './own-places.ts'

/** Containers of the user that run, paused ones too, inspected; but for these ids. */
export async function inspectRunning(engine: Engine, except: readonly string[], signal: AbortSignal): Promise<ContainerInspect[]> {
  const running = await engine.containers.list({ status: ['running', 'paused', 'restarting'] }, { signal })
  const inspected = await Promise.all(running.filter(each => !except.includes(each.Id) && !isTemporaryContainer(each)).map(({ Id }) => unlessMissing(engine.containers.inspect(Id, { signal }))))
  return inspected.filter(each => each !== undefined)
}

/** Names of those that have the path, something in it, or a folder above it mounted. */
export function usersOfPath(running: readonly ContainerInspect[], path: string): string[] {
  return running.filter(({ Mounts }) => Mounts.some(mount => mount.Type === 'bind' && (isWithin(mount.Source, path) || isWithin(path, mount.Source)))).map(nameOf)
}

/** Names of those that have the volume. */
export function usersOfVolume(running: readonly ContainerInspect[], volume: string): string[] {
  return running.filter(({ Mounts }) => Mounts.some(mount => mount.Type === 'volume' && mount.Name === volume)).map(nameOf)
}

/** Of dray's own, made for the moment. */
export function isTemporaryContainer({ Labels }: ContainerSummary): boolean {
  return isTemporary(Labels)
}

/** Its own name: one that is linked to has others, as "/web/db". */
export function nameOfSummary({ Names, Id }: ContainerSummary): string {
  return (Names.find(name => name.lastIndexOf('/') <= 0) ?? Id).replace(/^\//, '')
}
