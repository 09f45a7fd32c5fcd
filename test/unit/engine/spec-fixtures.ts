import { readdirSync, readFileSync } from 'node:fs'
import type { EngineFacts } from '../../../src/engine/engine.ts'
import { toCreateRequest, type CreateRequest, type ReplayOptions } from '../../../src/engine/spec/create-request.ts'
import { noRemaps } from '../../../src/engine/spec/remap-record.ts'
import type { TargetPeer } from '../../../src/engine/spec/replay-context.ts'
import type { ContainerRecord } from '../../../src/engine/spec/spec-record.ts'

const folder = new URL('../../../../fixtures/specs/', import.meta.url)

export const fixtureEngines = ['20.10', '26.1', '28.5'] as const
export type FixtureEngine = typeof fixtureEngines[number]

/** What real engines said of the containers in test/engine/engine/spec-cases.ts. */
export function fixtureRecord(engine: FixtureEngine, name: string): ContainerRecord {
  return { ...(read(`${engine}/${name}`) as ContainerRecord), engine: fixtureFacts(engine) }
}

export function fixtureFacts(engine: FixtureEngine, changes: Partial<EngineFacts> = {}): EngineFacts {
  return { ...(read(`${engine}/engine`) as EngineFacts), ...changes }
}

export function fixtureNames(engine: FixtureEngine): string[] {
  return readdirSync(new URL(engine, folder)).map(file => file.replace(/\.json$/, '')).filter(name => name !== 'engine')
}

/** Every peer is on the target, under its own name, with what it had. */
export function samePeers(record: ContainerRecord): Map<string, TargetPeer> {
  return new Map(record.peers.map(({ name, mounts }) => [name, { name, mounts }]))
}

export function requestFor(record: ContainerRecord, changes: Partial<ReplayOptions> = {}): CreateRequest {
  return toCreateRequest(record, { target: record.engine, name: 'again', imageRef: 'app:1', remaps: noRemaps, peers: samePeers(record), ...changes })
}

export function withHostConfig(record: ContainerRecord, changes: Record<string, unknown>): ContainerRecord {
  return { ...record, inspect: { ...record.inspect, HostConfig: { ...record.inspect.HostConfig, ...changes } as ContainerRecord['inspect']['HostConfig'] } }
}

export function withConfig(record: ContainerRecord, changes: Record<string, unknown>): ContainerRecord {
  return { ...record, inspect: { ...record.inspect, Config: { ...record.inspect.Config, ...changes } as ContainerRecord['inspect']['Config'] } }
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(new URL(`${path}.json`, folder), 'utf8'))
}
