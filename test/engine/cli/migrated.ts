import type { LabHost } from '../../lab/host.ts'
import { expectExit, inspect, type Answer, type Dray } from './dray.ts'
import { makeWhole, type WholeOptions } from './whole-container.ts'

const port = 18090

/** The container with everything, the one it has volumes from, and one that serves a page out of an anonymous volume. */
export async function makeThree(host: LabHost, size: WholeOptions): Promise<void> {
  await makeWhole(host, size)
  await runPage(host)
}

/** With more options of docker run. */
export async function runPage(host: LabHost, ...more: readonly string[]): Promise<void> {
  await host.sh(`docker run -d --init --name page --restart always --stop-timeout 1 -p ${port}:80 -v /www ${more.join(' ')} shop/web:1 httpd -f -p 80 -h /www >/dev/null; docker exec page sh -c 'echo "the page" > /www/index.html'`)
}

export async function pageOf(host: LabHost): Promise<string> {
  return await (await fetch(`http://${host.address}:${port}/`)).text()
}

export type Migrated = {
  readonly run: string
  readonly downtimeMilliseconds: number
  readonly images: { readonly sentBytes: number; readonly notes: readonly string[] }
  readonly containers: readonly { readonly name: string; readonly state: { readonly status: string; readonly health?: string }; readonly differences: readonly object[]; readonly engineDefaults: readonly { readonly field: string }[]; readonly announced: readonly object[]; readonly losses: readonly object[] }[]
}

/** Over ssh both ways, with the paths of the one host mapped to those of the other. */
export async function migrate(dray: Dray, names: readonly string[], from: LabHost, to: LabHost): Promise<Migrated> {
  const answer: Answer = await dray('migrate', ...names, from.ssh.endpoint, to.ssh.endpoint, '--map-bind', `${from.sharedDir}:${to.sharedDir}`)
  return expectExit(answer, 0).result as unknown as Migrated
}

/** Status and restart policy of the containers. */
export async function statesOf(host: LabHost, ...names: readonly string[]): Promise<Record<string, string>> {
  const states = await Promise.all(names.map(async name => {
    const { State, HostConfig } = await inspect(host, name)
    return [name, `${State.Status} ${HostConfig.RestartPolicy.Name}`] as const
  }))
  return Object.fromEntries(states)
}
