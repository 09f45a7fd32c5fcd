import type { VolumeInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { didYouMean } from '../../errors/similar-name.ts'

/** Throws `not-found`, with a similar name, for a volume that the engine does not have. */
export async function requireVolume(engine: Engine, name: string, signal: AbortSignal): Promise<VolumeInspect> {
  const found = await unlessMissing(engine.volumes.inspect(name, { signal }))
  if (found !== undefined) return found
  const names = (await engine.volumes.list({}, { signal })).map(({ Name }) => Name)
  throw new DrayError('not-found', `there is no volume "${name}" on "${engine.address}"`, { hints: [...didYouMean(name, names), 'dray volumes shows them'] })
}
