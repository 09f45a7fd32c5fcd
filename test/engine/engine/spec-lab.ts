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

/** Removes the container, its peers, networks and volumes. */
export async function removeCase({ engine }: SpecHost, name: string): Promise<void> {
  const mine = (each: string) => each === name || each.startsWith(`${name}-peer`)
  for (const { Id, Names } of await engine.containers.list()) {
    if (Names.some(each => mine(each.replace(/^\//, '')))) await engine.containers.remove(Id, { force: true, volumes: true })
  }
  for (const { Name } of await engine.networks.list()) if (Name.startsWith(`${name}-net`)) await engine.networks.remove(Name)
  for (const { Name } of await engine.volumes.list()) await engine.volumes.remove(Name)
}

export function casesFor(apiVersion: string): readonly SpecCase[] {
  return specCases.filter(({ since, until }) => (since === undefined || compareApi(apiVersion, since) >= 0) && (until === undefined || compareApi(apiVersion, until) <= 0))
}
