import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { isTemporaryContainer, usersOfPath, usersOfVolume } from './running-containers.ts'

type Replaced = { readonly at: string; readonly backup?: string } & ({ readonly volume: string } | { readonly path: string })

/**
 * What a killed run replaced is put back long after, and a container that was started since then may have written what nobody
 * else holds: `conflict`. `own` are ids of the containers that the run itself started.
 */
export async function requireUnusedSince(engine: Engine, entry: Replaced, { run, own, signal }: { readonly run: string; readonly own: ReadonlySet<string>; readonly signal: AbortSignal }): Promise<void> {
  const listed = (await engine.containers.list(undefined, { signal })).filter(each => !own.has(each.Id) && !isTemporaryContainer(each))
  const inspected = await Promise.all(listed.map(({ Id }) => unlessMissing(engine.containers.inspect(Id, { signal }))))
  const started = inspected.filter(each => each !== undefined).filter(({ State }) => Date.parse(State.StartedAt) > Date.parse(entry.at))
  const [user] = 'path' in entry ? usersOfPath(started, entry.path) : usersOfVolume(started, entry.volume)
  if (user === undefined) return
  const place = 'path' in entry ? `"${entry.path}"` : `volume "${entry.volume}"`
  throw new DrayError('conflict', `container "${user}" was started with ${place} since then, and may have written to it: it is left as it is, and the data from before is in backup "${entry.backup ?? ''}"`, { hints: [`if what is there now is wanted: dray clean --forget ${run}`] })
}
