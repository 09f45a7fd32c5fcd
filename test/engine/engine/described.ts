import { isDeepStrictEqual } from 'node:util'
import { compareSpecs, type SpecComparison } from '../../../src/engine/spec/compare-specs.ts'
import { runForm } from '../../../src/engine/forms/run-form.ts'
import { toSubject } from '../../../src/engine/forms/subject.ts'
import { recordContainer } from '../../../src/engine/spec/record-container.ts'
import { noRemaps } from '../../../src/engine/spec/remap-record.ts'
import type { ValueDifference } from '../../../src/engine/spec/same-value.ts'
import type { ContainerRecord } from '../../../src/engine/spec/spec-record.ts'
import { makeCase, removeCase, type SpecHost } from './spec-lab.ts'
import type { SpecCase } from './spec-cases.ts'

export type Described = { readonly text: string; readonly gaps: readonly string[]; readonly comparison: SpecComparison }

/** Makes the case, describes and removes it, runs what was printed with the engine's own docker command, and compares. */
export async function describeCase(host: SpecHost, each: SpecCase): Promise<Described> {
  try {
    const recorded = JSON.parse(JSON.stringify(await recordContainer(host.engine, await makeCase(host, each)))) as ContainerRecord
    const { text, gaps } = runForm(toSubject(recorded, { redact: false }))
    await host.engine.containers.remove(each.name, { force: true, volumes: true })
    const hasPeers = recorded.peers.length > 0
    const isMine = (command: string): boolean => !hasPeers || !/^docker (network|volume) create/.test(command)
    if (!hasPeers) {
      for (const network of recorded.networks) if (network.Name.startsWith(each.name)) await host.engine.networks.remove(network.Name)
      for (const volume of await host.engine.volumes.list()) await host.engine.volumes.remove(volume.Name)
    }
    const script = text.split('\n').filter(isMine).join('\n')
    const { exitCode, stderr } = await shell(host, `set -e; PATH=/usr/bin:/bin\n${script}`)
    if (exitCode !== 0) throw new Error(`what was printed fails: ${stderr}\n${text}`)
    const restored = await recordContainer(host.engine, each.name)
    const comparison = compareSpecs(recorded, restored, { name: each.name, imageRef: recorded.inspect.Config.Image, remaps: noRemaps, peers: new Map(recorded.peers.map(({ name }) => [name, { name }])) })
    return { text, gaps, comparison: { ...comparison, differences: comparison.differences.filter(each => !isOrderAlone(each)) } }
  } finally {
    await removeCase(host, each.name)
  }
}

/** Docker's programs keep variables, and compose also hosts, in a map: their order is never the given one. */
export function isOrderAlone({ field, recorded, restored }: ValueDifference): boolean {
  const sorted = (value: unknown): unknown => (Array.isArray(value) ? [...value as string[]].sort() : value)
  return ['Config.Env', 'HostConfig.ExtraHosts'].includes(field) && isDeepStrictEqual(sorted(recorded), sorted(restored))
}

async function shell({ host }: SpecHost, script: string): Promise<{ exitCode: number; stderr: string }> {
  try {
    await host.sh(script)
    return { exitCode: 0, stderr: '' }
  } catch (error) {
    return { exitCode: 1, stderr: String(error) }
  }
}
