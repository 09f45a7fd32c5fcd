import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerInspect } from '../../../src/engine/api-types.ts'
import { compareSpecs } from '../../../src/engine/spec/compare-specs.ts'
import { recordContainer } from '../../../src/engine/spec/record-container.ts'
import { noRemaps } from '../../../src/engine/spec/remap-record.ts'
import type { ValueDifference } from '../../../src/engine/spec/same-value.ts'
import { nameOf, type ContainerRecord } from '../../../src/engine/spec/spec-record.ts'
import { describeRecords } from '../../../src/workflows/describe.ts'
import { composeOf, type ComposeVersion } from '../../lab/compose.ts'
import { isOrderAlone } from './described.ts'
import type { Recorded } from './random-replay.ts'
import type { RandomSpec } from './random-specs.ts'
import type { SpecHost } from './spec-lab.ts'

export type Unsaid = { readonly body: RandomSpec; readonly text: string; readonly differences?: readonly ValueDifference[]; readonly error?: string }

/**
 * Describes each of them, runs what was printed by docker's own programs, and compares. What differs without a comment that names
 * the field is returned, and so is what cannot be run.
 */
export async function runDescribed(host: SpecHost, recorded: readonly Recorded[], runs: 'docker run' | ComposeVersion): Promise<{ readonly unsaid: readonly Unsaid[]; readonly gaps: ReadonlyMap<string, number> }> {
  const unsaid: Unsaid[] = []
  const gaps = new Map<string, number>()
  for (const { spec, record } of recorded) {
    const name = nameOf(record.inspect)
    const { text, gaps: said } = describeRecords([record], runs === 'docker run' ? 'run' : 'compose', false)
    const fields = said.flatMap(gap => fieldsOf(runs === 'docker run' ? gap : gap.replace(`${name}: `, '')))
    for (const field of fields) gaps.set(field, (gaps.get(field) ?? 0) + 1)
    try {
      await removeNeeded(host, record)
      await (runs === 'docker run' ? runScript(host, text) : composeUp(host, runs, text, record.inspect.State.Running))
      const found = withoutComposesLabels(await recordContainer(host.engine, name))
      const { differences } = compareSpecs(record, found, { name, imageRef: record.inspect.Config.Image, remaps: noRemaps, peers: new Map(record.peers.map(peer => [peer.name, { name: peer.name }])) })
      const left = differences.filter(each => !isOrderAlone(each)).filter(({ field }) => !fields.some(each => field === each || field.startsWith(`${each}.`) || each.startsWith(`${field}.`)))
      if (left.length > 0) unsaid.push({ body: spec, text, differences: left })
    } catch (thrown) {
      unsaid.push({ body: spec, text, error: String(thrown) })
    } finally {
      await host.engine.containers.remove(name, { force: true, volumes: true }).catch(() => undefined)
    }
  }
  return { unsaid, gaps }
}

/** "Config.A, Config.B: why" and "HostConfig.Mounts "/x": why" name fields. */
function fieldsOf(gap: string): string[] {
  return gap.replace(/(?:: | ").*$/s, '').split(', ')
}

/** Networks and volumes that nobody else uses are made by what is printed. */
async function removeNeeded({ engine }: SpecHost, { networks, volumes }: ContainerRecord): Promise<void> {
  for (const { Name } of networks) if (Name.endsWith('-net')) await engine.networks.remove(Name)
  const there = new Set((await engine.volumes.list()).map(({ Name }) => Name))
  for (const { Name } of volumes) if (there.has(Name) && Name !== 'peer-volume' && !/^[0-9a-f]{64}$/.test(Name)) await engine.volumes.remove(Name)
}

async function runScript({ host }: SpecHost, text: string): Promise<void> {
  await host.sh(`set -e; PATH=/usr/bin:/bin\n${text}`)
}

async function composeUp({ host }: SpecHost, version: ComposeVersion, text: string, isRunning: boolean): Promise<void> {
  await writeFile(join(host.sharedDir, 'compose.yaml'), text)
  const { exitCode, stderr } = await composeOf(version)(host, host.sharedDir, 'up', isRunning ? '-d' : '--no-start')
  if (exitCode !== 0) throw new Error(stderr)
}

/** Compose labels what it makes. */
function withoutComposesLabels(record: ContainerRecord): ContainerRecord {
  const cleaned = (labels: Record<string, string> | null): Record<string, string> => Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => !key.startsWith('com.docker.compose.')))
  const config: ContainerInspect['Config'] = Object.assign({}, record.inspect.Config, { Labels: cleaned(record.inspect.Config.Labels) })
  return {
    ...record,
    inspect: { ...record.inspect, Config: config },
    networks: record.networks.map(network => Object.assign({}, network, { Labels: cleaned(network.Labels) })),
    volumes: record.volumes.map(volume => ({ ...volume, Labels: cleaned(volume.Labels) })),
  }
}
