import { toCreateRequest, type CreateRequest, type ReplayOptions } from '../../../src/engine/spec/create-request.ts'
import { compareSpecs, type SpecComparison } from '../../../src/engine/spec/compare-specs.ts'
import { recordContainer } from '../../../src/engine/spec/record-container.ts'
import { noRemaps } from '../../../src/engine/spec/remap-record.ts'
import { nameOf, type ContainerRecord } from '../../../src/engine/spec/spec-record.ts'
import { makeCase, removeCase, type SpecHost } from './spec-lab.ts'
import type { SpecCase } from './spec-cases.ts'

export type Replayed = { readonly request: CreateRequest; readonly comparison: SpecComparison; readonly restored: ContainerRecord; readonly outlived: readonly string[] }

/** Makes the case on the source, records and removes it, makes it again on the target through the API, and compares. */
export async function replayCase(source: SpecHost, target: SpecHost, each: SpecCase, changes: Partial<ReplayOptions> = {}): Promise<Replayed> {
  let replayed: Omit<Replayed, 'outlived'>
  let outlived: string[] = []
  try {
    const recorded = JSON.parse(JSON.stringify(await recordContainer(source.engine, await makeCase(source, each)))) as ContainerRecord
    await moveAway(source, target, each, recorded)
    replayed = await replay(target, recorded, changes)
  } catch (error) {
    throw new Error(`${each.name}, ${source.host.engine} to ${target.host.engine}: ${String(error)}`, { cause: error })
  } finally {
    outlived = await removeCase(target, each.name)
    if (source !== target) await removeCase(source, each.name)
  }
  return { ...replayed, outlived }
}

/** Leaves on the target what a restore finds or has restored before: the peers and the bind sources. */
async function moveAway(source: SpecHost, target: SpecHost, { name, script }: SpecCase, recorded: ContainerRecord): Promise<void> {
  if (source === target) {
    await source.engine.containers.remove(name, { force: true })
    if (recorded.peers.length > 0) return
    for (const network of recorded.networks) if (network.Name.startsWith(name)) await source.engine.networks.remove(network.Name)
    for (const volume of recorded.volumes) await source.engine.volumes.remove(volume.Name)
    return
  }
  if (recorded.peers.length > 0) {
    await makeCase(target, { name, script })
    await target.engine.containers.remove(name, { force: true })
  }
}

/** Makes a recorded container on a host that has its peers and its images, and compares. */
export async function replay({ host, engine }: SpecHost, recorded: ContainerRecord, changes: Partial<ReplayOptions>): Promise<Omit<Replayed, 'outlived'>> {
  const ready = JSON.parse(JSON.stringify(recorded).replaceAll(/"\/[^":]*\/shared(?=[/"])/g, `"${host.sharedDir}`)) as ContainerRecord
  const name = nameOf(ready.inspect)
  await host.sh(`mkdir -p ${host.sharedDir}/${name}/dir; touch ${host.sharedDir}/${name}/file`)
  const peers = new Map(await Promise.all(ready.peers.map(async peer => [peer.name, { name: peer.name, mounts: (await engine.containers.inspect(peer.name)).Mounts }] as const)))
  const options: ReplayOptions = { target: engine.facts, name, imageRef: ready.inspect.Config.Image, remaps: noRemaps, peers, ...changes }
  const request = toCreateRequest(ready, options)
  await send({ engine }, request, ready.inspect.State.Status)
  const restored = await recordContainer(engine, options.name)
  const comparison = compareSpecs(ready, restored, { ...options, announced: request.losses.map(({ field }) => field) })
  return { request, comparison, restored }
}

async function send({ engine }: Pick<SpecHost, 'engine'>, { name, platform, body, volumes, networks, disconnects, connects }: CreateRequest, state: string): Promise<void> {
  const existing = new Set((await engine.networks.list()).map(network => network.Name))
  for (const volume of volumes) await engine.volumes.create({ ...volume })
  for (const network of networks) if (!existing.has(network.Name)) await engine.networks.create(network)
  const { id } = await engine.containers.create(body, { name, ...(platform === undefined ? {} : { platform }) })
  for (const network of disconnects) await engine.networks.disconnect(network, { Container: id })
  for (const { network, body: connect } of connects) await engine.networks.connect(network, { Container: id, ...connect })
  if (state === 'running' || state === 'paused') await engine.containers.start(id)
  if (state === 'paused') await engine.containers.pause(id)
}
