import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { isTemporaryContainer, usersOfPath, usersOfVolume } from './running-containers.ts'

type Replaced = { readonly at: string; readonly backup?: string } & ({ readonly volume: string } | { readonly path: string })

/**
 * What a killed run replaced is put back long after, and a container that was started since then may have written what nobody
 * else holds: `conflict`. `isOwn` tells the containers that the run itself started, or set aside.
 */
export async function requireUnusedSince(engine: Engine, entry: Replaced, { run, isOwn, signal }: { readonly run: string; readonly isOwn: (container: ContainerInspect) => boolean; readonly signal: AbortSignal }): Promise<void> {
  const listed = (await engine.containers.list(undefined, { signal })).filter(each => !isTemporaryContainer(each))
  const inspected = await Promise.all(listed.map(({ Id }) => unlessMissing(engine.containers.inspect(Id, { signal }))))
  const started = inspected.filter(each => each !== undefined).filter(each => !isOwn(each) && Date.parse(each.State.StartedAt) > Date.parse(entry.at))
  const [user] = 'path' in entry ? usersOfPath(started, entry.path) : usersOfVolume(started, entry.volume)
  if (user === undefined) return
  const place = 'path' in entry ? `"${entry.path}"` : `volume "${entry.volume}"`
  throw new DrayError('conflict', `container "${user}" was started with ${place} since then, and may have written to it: it is left as it is, and the data from before is in backup "${entry.backup ?? ''}"`, { hints: [`if what is there now is wanted: dray clean --forget ${run}`] })
}
