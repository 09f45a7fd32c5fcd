import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { compareApi } from '../../../src/engine/spec/api-version.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import type { EngineName } from '../../lab/engines.ts'
import { busyboxImage } from '../../lab/images.ts'
import { fullImage, specCases, type SpecCase } from './spec-cases.ts'

export type SpecHost = AsyncDisposable & { readonly host: LabHost; readonly engine: Engine }

/** A host with the images of the cases. */
export async function startSpecHost(name: EngineName): Promise<SpecHost> {
  const host = await startHost({ engine: name })
  await busyboxImage(host, 'app:1')
  await busyboxImage(host, 'full:1', fullImage)
  const engine = await connectEngine({ host: `unix://${host.socket}`, env: {} })
  return {
    host,
    engine,
    [Symbol.asyncDispose]: async () => {
      await engine.close()
      await host[Symbol.asyncDispose]()
    },
  }
}

/** Runs a case's script, with the docker command that belongs to the engine, and returns the container's name. */
export async function makeCase({ host }: SpecHost, { name, script }: SpecCase): Promise<string> {
  await host.sh(`set -e; PATH=/usr/bin:/bin; C=${name}; S=${host.sharedDir}; ${script}`)
  return name
}

/** Removes the container and its peers as rm -v does, then networks and volumes. Returns the volumes that rm -v had left. */
export async function removeCase({ engine }: SpecHost, name: string): Promise<string[]> {
  const mine = (each: string) => each === name || each.startsWith(`${name}-peer`)
  for (const { Id, Names } of await engine.containers.list()) {
    if (Names.some(each => mine(each.replace(/^\//, '')))) await engine.containers.remove(Id, { force: true, volumes: true })
  }
  for (const { Name } of await engine.networks.list()) if (Name.startsWith(`${name}-net`)) await engine.networks.remove(Name)
  const outlived = (await engine.volumes.list()).map(({ Name }) => Name)
  for (const volume of outlived) await engine.volumes.remove(volume)
  return outlived
}

export function casesFor(apiVersion: string): readonly SpecCase[] {
  return specCases.filter(({ since, until }) => (since === undefined || compareApi(apiVersion, since) >= 0) && (until === undefined || compareApi(apiVersion, until) <= 0))
}
