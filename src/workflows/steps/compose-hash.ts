import type { Engine } from '../../engine/engine.ts'
import { configHashLabel, rehashed } from '../../engine/compose/config-hash.ts'
import { objectOf } from '../../engine/spec/json-values.ts'
import type { ContainerRecord } from '../../engine/spec/spec-record.ts'
import type { JsonObject } from '../../engine/api-types.ts'
import type { RestorePlan } from '../restore-plan.ts'

/** The body of the create with the hash that compose looks for on this engine, where other containers have other ids. */
export async function withComposeHash(body: JsonObject, engine: Engine, spec: ContainerRecord, peers: RestorePlan['peers'], signal: AbortSignal): Promise<JsonObject> {
  const labels = objectOf(body['Labels'])
  if (labels[configHashLabel] === undefined) return body
  const there = spec.peers.flatMap(({ id, name }) => (peers.get(name) === undefined ? [] : [[id, peers.get(name)?.name ?? name] as const]))
  const ids = await Promise.all(there.map(async ([id, name]) => [id, (await engine.containers.inspect(name, { signal })).Id] as const))
  const hash = ids.length === 0 ? undefined : rehashed(spec, new Map(ids))
  return hash === undefined ? body : { ...body, Labels: { ...labels, [configHashLabel]: hash } }
}
