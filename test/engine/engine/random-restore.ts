import fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import type { Json, JsonObject } from '../../../src/engine/api-types.ts'
import { connectEngine } from '../../../src/engine/connect.ts'
import { compareSpecs } from '../../../src/engine/spec/compare-specs.ts'
import { recordContainer } from '../../../src/engine/spec/record-container.ts'
import { noRemaps } from '../../../src/engine/spec/remap-record.ts'
import type { ValueDifference } from '../../../src/engine/spec/same-value.ts'
import { nameOf } from '../../../src/engine/spec/spec-record.ts'
import { must } from '../../lab/command.ts'
import type { EngineName } from '../../lab/engines.ts'
import { startHost } from '../../lab/host.ts'
import { at, expectExit, type Dray } from '../cli/dray.ts'
import { makeRandom, type Recorded } from './random-replay.ts'
import { commonThings, randomSpecs, type RandomSpec } from './random-specs.ts'
import type { SpecHost } from './spec-lab.ts'

/** A host with the images of another one, and what random specs name but for the volumes: a restore brings those. */
export async function startRandomTarget(engine: EngineName, { host: source }: SpecHost): Promise<SpecHost> {
  const host = await startHost({ engine })
  await must('bash', ['-o', 'pipefail', '-c', `docker --host unix://${source.socket} save app:1 full:1 | docker --host unix://${host.socket} load`])
  const things = commonThings.filter(command => !isVolume(command))
  await host.sh(`set -e; mkdir -p ${host.sharedDir}; ${things.map(command => `${command} > /dev/null`).join('; ')}`)
  const connected = await connectEngine({ host: `unix://${host.socket}`, env: {} })
  return {
    host,
    engine: connected,
    [Symbol.asyncDispose]: async () => {
      await connected.close()
      await host[Symbol.asyncDispose]()
    },
  }
}

export type Restored = { readonly containers: number; readonly running: number; readonly failures: readonly { readonly body: RandomSpec; readonly differences: readonly ValueDifference[] }[]; readonly losses: readonly string[] }

type RestoredContainer = { readonly name: string; readonly losses: readonly { readonly field: string }[]; readonly engineDefaults: readonly { readonly field: string }[] }

/**
 * Makes containers, every other one running if it can, backs them up in one run of the program, removes them with their volumes, restores
 * them on the target, and compares with what was recorded before the backup.
 */
export async function restoreRandom(dray: Dray, source: SpecHost, target: SpecHost, specs: readonly RandomSpec[], prefix: string): Promise<Restored> {
  const made: Recorded[] = []
  await source.host.sh(`set -e; ${commonThings.filter(isVolume).map(command => `${command} > /dev/null`).join('; ')}`)
  for (const [number, spec] of specs.entries()) {
    const name = `${prefix}-${number}`
    // which of several may have a port of a range is each engine's own luck
    const body = toRun(spec.body, made.some(({ record }) => record.inspect.State.Running && Object.values(record.inspect.HostConfig['PortBindings'] ?? {}).flat().length > 0))
    const each = (number % 2 === 0 ? undefined : await madeOf(source, { ...spec, body }, name, true)) ?? (await madeOf(source, spec, name, false))
    if (each !== undefined) made.push(each)
  }
  const names = made.map(({ record }) => nameOf(record.inspect))
  const { result: backedUp } = expectExit(await dray('backup', ...names, '-H', at(source.host)), 0)
  await removeAll(source, names)
  if (source !== target) await removeAll(target, [])
  const run = (backedUp as unknown as { run: string }).run
  const hasBinds = made.some(({ record }) => record.inspect.Mounts.some(({ Type }) => Type === 'bind'))
  const answer = await dray('restore', run, '--all', '--to', at(target.host), ...(source !== target && hasBinds ? ['--map-bind', `${source.host.sharedDir}:${target.host.sharedDir}`] : []))
  const restored = new Map((answer.result.restored as unknown as RestoredContainer[] | undefined ?? []).map(each => [each.name, each]))
  expectExit(answer, [...restored.values()].some(({ losses }) => losses.length > 0) ? 3 : 0)
  const remaps = source === target ? noRemaps : { ...noRemaps, binds: new Map([[source.host.sharedDir, target.host.sharedDir]]) }
  const failures = []
  for (const { spec, record } of made) {
    const name = nameOf(record.inspect)
    const found = await recordContainer(target.engine, name)
    const peers = new Map(await Promise.all(record.peers.map(async peer => [peer.name, { name: peer.name, mounts: (await target.engine.containers.inspect(peer.name)).Mounts }] as const)))
    const { differences } = compareSpecs(record, found, { name, imageRef: record.inspect.Config.Image, remaps, peers, announced: restored.get(name)?.losses.map(({ field }) => field) ?? [] })
    if (differences.length > 0) failures.push({ body: spec, differences })
  }
  await removeAll(target, names)
  return {
    containers: made.length, running: made.filter(({ record }) => record.inspect.State.Running).length, failures,
    losses: [...new Set([...restored.values()].flatMap(({ losses }) => losses.map(({ field }) => field)))].sort(),
  }
}

function isVolume(command: string): boolean {
  return command.startsWith('docker volume')
}

/** Specs of an engine's API version. */
export function sampleSpecs(api: string, count: number, seed: number): RandomSpec[] {
  return fc.sample(randomSpecs(api), { numRuns: count, seed })
}

/**
 * With a program that both images have, and nothing that keeps every container of the lab from its start: limits of a device that is
 * no disk, a log server that is not there. A restore waits for health, which a check that fails never comes to, and one with a long
 * interval late.
 */
function toRun({ HostConfig, Healthcheck, ...config }: JsonObject, isPortTaken: boolean): JsonObject {
  const { LogConfig, ...host } = HostConfig as JsonObject
  const { Test } = (Healthcheck ?? {}) as { Test?: Json }
  const isUnhealthy = Test !== undefined && !isDeepStrictEqual(Test, ['NONE']) && !isDeepStrictEqual(Test, [])
  return {
    ...without(config, 'Entrypoint'), Cmd: ['sleep', '1000'], ...(Healthcheck === undefined || isUnhealthy ? {} : { Healthcheck }),
    HostConfig: { ...without(isPortTaken ? without(host, 'PortBindings') : host, 'BlkioDeviceReadBps'), ...(LogConfig === undefined || (LogConfig as JsonObject)['Type'] === 'syslog' ? {} : { LogConfig }) },
  }
}

function without(object: JsonObject, field: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([each]) => each !== field))
}

/** Nothing is left of one that the engine does not take. */
async function madeOf(source: SpecHost, spec: RandomSpec, name: string, isStarted: boolean): Promise<Recorded | undefined> {
  const made = await makeRandom(source, spec, name, isStarted)
  if (typeof made !== 'string') return made
  await source.engine.containers.remove(name, { force: true, volumes: true })
  return undefined
}

async function removeAll({ engine }: SpecHost, names: readonly string[]): Promise<void> {
  for (const name of names) await engine.containers.remove(name, { force: true, volumes: true })
  for (const { Name } of await engine.volumes.list()) if (Name !== 'peer-volume' && !/^[0-9a-f]{64}$/.test(Name)) await engine.volumes.remove(Name)
}
