import fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import type { ValueDifference } from '../../../src/engine/spec/same-value.ts'
import { recordContainer } from '../../../src/engine/spec/record-container.ts'
import { nameOf, type ContainerRecord } from '../../../src/engine/spec/spec-record.ts'
import { DrayError } from '../../../src/errors/dray-error.ts'
import type { EngineName } from '../../lab/engines.ts'
import { commonThings, randomSpecs, type RandomSpec } from './random-specs.ts'
import { startSpecHost, type SpecHost } from './spec-lab.ts'
import { replay } from './spec-replay.ts'

/** A host with what random specs name. */
export async function startRandomHost(engine: EngineName): Promise<SpecHost> {
  const spec = await startSpecHost(engine)
  await spec.host.sh(`set -e; mkdir -p ${spec.host.sharedDir}/dir; echo x > ${spec.host.sharedDir}/file; ${commonThings.map(command => `${command} > /dev/null`).join('; ')}`)
  return spec
}

export type Recorded = { readonly spec: RandomSpec; readonly record: ContainerRecord }

/**
 * Makes, records and removes so many containers; every other one that can run is running. What the engine itself finds invalid, or
 * cannot start, does not count.
 */
export async function recordRandom({ host, engine }: SpecHost, count: number, seed: number): Promise<{ readonly recorded: readonly Recorded[]; readonly refused: readonly string[] }> {
  const recorded: Recorded[] = []
  const refused: string[] = []
  for (const spec of fc.sample(randomSpecs(engine.facts.apiVersion), { numRuns: count * 20, seed })) {
    if (recorded.length === count) break
    const name = `random-${seed}-${recorded.length}`
    const made = await makeRandom({ host, engine }, spec, name, recorded.length % 2 === 1)
    if (typeof made === 'string') refused.push(made)
    else recorded.push(made)
    await engine.containers.remove(name, { force: true, volumes: true })
  }
  return { recorded, refused }
}

/** Makes one, starts it if that is wanted and can be, and records it. Returns what the engine says when it does not take it; what there is of it stays. */
export async function makeRandom({ host, engine }: Pick<SpecHost, 'host' | 'engine'>, spec: RandomSpec, name: string, isStarted: boolean): Promise<Recorded | string> {
  const body = JSON.parse(JSON.stringify(spec.body).replaceAll('SHARED', host.sharedDir)) as Record<string, unknown>
  try {
    const { id } = await engine.containers.create(body, { name })
    for (const { network, body: connect } of spec.connects) await engine.networks.connect(network, { ...connect, Container: id })
    if (isStarted && canRun(body)) await engine.containers.start(id)
    return { spec, record: JSON.parse(JSON.stringify(await recordContainer(engine, id))) as ContainerRecord }
  } catch (thrown) {
    if (!(thrown instanceof DrayError)) throw thrown
    return thrown.message
  }
}

/**
 * Its image has the program, and it asks for one port at most: whether several that are alike can be had is luck. Whether the engine
 * can give it all that it wants, only the engine knows.
 */
function canRun({ Cmd, Entrypoint, HostConfig }: Record<string, unknown>): boolean {
  const { PortBindings = {} } = HostConfig as { PortBindings?: Record<string, unknown[]> }
  return Object.values(PortBindings).flat().length < 2 && isDeepStrictEqual(Cmd, ['sleep', '1000']) && (!Array.isArray(Entrypoint) || Entrypoint.join('') === '' || isDeepStrictEqual(Entrypoint, ['/bin/busybox']))
}

export type Failure = { readonly body: RandomSpec; readonly differences?: readonly ValueDifference[]; readonly error?: string }

export type Replays = { readonly failures: readonly Failure[]; readonly losses: readonly string[]; readonly engineDefaults: readonly string[] }

/** Makes all of them again on the target, one after the other. */
export async function replayAll(target: SpecHost, recorded: readonly Recorded[]): Promise<Replays> {
  const failures: Failure[] = []
  const [losses, engineDefaults] = [new Set<string>(), new Set<string>()]
  for (const { spec, record } of recorded) {
    try {
      const { comparison, request } = await replay(target, record, {})
      for (const { field } of request.losses) losses.add(field)
      for (const { field } of comparison.engineDefaults) engineDefaults.add(field)
      if (comparison.differences.length > 0) failures.push({ body: spec, differences: comparison.differences })
    } catch (thrown) {
      const { list = [] } = thrown as { list?: readonly string[] }
      failures.push({ body: spec, error: [String(thrown), ...list].join('; ') })
    } finally {
      await target.engine.containers.remove(nameOf(record.inspect), { force: true, volumes: true })
    }
  }
  return { failures, losses: [...losses].sort(), engineDefaults: [...engineDefaults].sort() }
}
