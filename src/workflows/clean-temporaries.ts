import type { Engine } from '../engine/engine.ts'
import { DrayError } from '../errors/dray-error.ts'
import { isFromHere, isProvedDead } from '../files/owner.ts'
import { listTemporaryObjects, removeTemporaryObject, type TemporaryObject } from '../mounts/temporary-objects.ts'
import type { CleanReport, LeftOver } from './clean.ts'

/** `dead`: their run is proved dead. `foreign`: whether it lives cannot be seen from here. Those of runs that are at work are in neither. */
export type FoundTemporaries = { readonly dead: readonly TemporaryObject[]; readonly foreign: readonly TemporaryObject[] }

/**
 * What an engine has of the things that runs make for the moment, by their labels. Also what no journal names: the engine may
 * have been at making it when its run was killed.
 */
export async function findTemporaries(engine: Engine, signal: AbortSignal): Promise<FoundTemporaries> {
  const found = await listTemporaryObjects(engine, signal)
  const dead = found.filter(({ owner }) => owner !== undefined && isProvedDead(owner))
  return { dead, foreign: found.filter(({ owner }) => owner === undefined || !isFromHere(owner)).filter(each => !dead.includes(each)) }
}

/** Removes what dead runs have left on the engine. */
export async function removeTemporaries(engine: Engine, signal: AbortSignal): Promise<CleanReport & Pick<FoundTemporaries, 'foreign'>> {
  const { dead, foreign } = await findTemporaries(engine, signal)
  const settled: string[] = []
  const left: LeftOver[] = []
  for (const each of dead) {
    signal.throwIfAborted()
    try {
      await removeTemporaryObject(engine, each)
      settled.push(`removed the ${describeTemporary(each)} that a killed run had made`)
    } catch (thrown) {
      if (!(thrown instanceof DrayError)) throw thrown
      left.push({ run: each.run, what: describeTemporary(each), problem: thrown.message })
    }
  }
  return { settled, left, foreign }
}

export function describeTemporary({ kind, name }: TemporaryObject): string {
  return `${kind} "${name}"`
}

/** Why it is not removed from here. */
export function describeForeign(each: TemporaryObject): string {
  const { run, owner } = each
  const whose = owner === undefined ? `of run ${run}, which does not say where it is` : `of run ${run} on host "${owner.host}" (process ${owner.pid})`
  return `${describeTemporary(each)} ${whose}: if that is not at work any more, run dray clean there, or remove it with docker`
}
