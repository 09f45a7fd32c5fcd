/** A restore as a file that can be edited: what is recorded, where it would go, and what stands in the way. */
import { remapPath } from '../../engine/spec/remap-record.ts'
import { remapPort, unpublished } from '../../engine/spec/remap-port.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { formatYaml, type YamlComment } from '../../files/yaml.ts'
import { formatBytes, formatCount, formatTime } from '../../ui/format.ts'
import { isHexName } from '../../workflows/mount-description.ts'
import type { Obstacle, Taken } from '../../workflows/obstacles.ts'
import { mayReplaceData, optionsFor, type RestoreOptions, type StoredContainer } from '../../workflows/restore-plan.ts'
import type { Restoring } from '../../workflows/steps/share-mounts.ts'
import { recordedBinds, recordedNetworks, recordedPorts, recordedVolumes } from '../../workflows/steps/recorded-names.ts'

export type PlanDraft = {
  readonly restoring: readonly Restoring[]
  readonly obstacles: readonly Obstacle[]
  readonly options: RestoreOptions
  readonly repository: string
  readonly target: string
  /** Of this program. */
  readonly version: string
  /** How it is done: a command line. */
  readonly command: string
}

type Lines = { readonly key: string; readonly value: unknown; readonly comments: readonly YamlComment[] }[]

export function planText({ restoring, obstacles, options, repository, target, version, command }: PlanDraft): string {
  const containers = restoring.map(one => containerLines(one, optionsFor(options, nameOf(one.spec.inspect)), obstacles))
  const loose = obstacles.filter(({ taken }) => taken === undefined)
  const comments: YamlComment[] = [
    { path: [], text: [`A restore, written by dray ${version}. Nothing was changed by writing it.`, 'Change what is to be different (docs/restore-plan.md has every key), look, and then do it:', `  ${command} --dry-run`, `  ${command}`, ...loose.map(inTheWay)].join('\n') },
    { path: ['repository'], text: 'Where the backups are, and the engine to restore to; --repo, --host and --to go before them.' },
    { path: ['skip-damaged'], text: 'Restore what is left of a damaged backup; have the label dray.restore read the dump that it holds;\nhow data is written: auto, host, helper or api.' },
    ...containers.flatMap((lines, at) => lines.flatMap(({ key, comments: own }) => own.map(({ path, text }) => ({ path: ['containers', at, ...(path[0] === '' ? [] : [key, ...path])], text })))),
  ]
  const value = {
    plan: 1, repository, target,
    containers: containers.map(lines => Object.fromEntries(lines.map(({ key, value: each }) => [key, each]))),
    ...(options.only === undefined ? {} : { only: options.only }),
    ...((options.makePaths?.length ?? 0) === 0 ? {} : { 'make-paths': options.makePaths }),
    'skip-damaged': options.skipDamaged, 'replay-dump': options.replayDump === true, reader: options.reader,
    ...(options.healthSeconds === undefined ? {} : { 'health-timeout': options.healthSeconds }),
  }
  return formatYaml(value, comments)
}

function containerLines({ stored, spec, plan }: Restoring, options: RestoreOptions, obstacles: readonly Obstacle[]): Lines {
  const { backup } = stored
  const recorded = nameOf(spec.inspect)
  const { ports, volumes, binds, networks } = { ports: portLines(stored, options), volumes: volumeLines(stored, options), binds: bindLines(stored, options), networks: networkLines(stored, options) }
  const about = (kind: Taken['kind'], is: (taken: Taken) => boolean): string[] => [...new Set(obstacles.filter(({ taken }) => taken?.kind === kind && is(taken)).map(inTheWay))]
  const commented = (kind: Taken['kind'], lines: readonly Line[]): YamlComment[] => lines.flatMap(({ from, says }, at) => {
    const text = [...says, ...about(kind, taken => sourceOf(taken) === String(from))]
    return text.length === 0 ? [] : [{ path: [at], text: text.join('\n') }]
  })
  const list = (key: string, kind: Taken['kind'], lines: readonly Line[], text: string): Lines => (lines.length === 0 ? [] : [{ key, value: lines.map(({ from, to, data }) => ({ from, to, ...(data === undefined ? {} : { data }) })), comments: [{ path: [], text }, ...commented(kind, lines)] }])
  return [
    { key: 'backup', value: backup.id, comments: [{ path: [], text: `Of ${formatTime(backup.created)}, ${plan.imageRef}, ${spec.inspect.State.Status} then. What is left out of the lists below is as recorded.` }] },
    { key: 'container', value: recorded, comments: [] },
    { key: 'name', value: plan.name, comments: [{ path: [], text: ['What it is to be named. replace: a container that has the name is stopped, backed up and kept. start: whether it is started.', ...about('name', taken => taken.kind === 'name' && taken.name === plan.name)].join('\n') }] },
    { key: 'replace', value: options.replace, comments: [] },
    { key: 'start', value: options.start, comments: [] },
    ...list('ports', 'port', ports, 'Ports of the host: the recorded one, and the one to publish instead.'),
    ...list('volumes', 'volume', volumes, 'Volumes: the recorded name, and the one to use. data: restore it (where there is other data that is a conflict),\nreplace what is there (it is backed up first), or keep what is there.'),
    ...list('binds', 'path', binds, 'Paths of the host: the recorded one, and the one to use. data: as above.'),
    ...list('networks', 'network', networks, 'Networks: the recorded name, and the one to use.'),
  ]
}

type Line = { readonly from: string | number; readonly to: string | number; readonly data?: 'restore' | 'replace' | 'keep'; readonly says: readonly string[] }

function portLines({ spec }: StoredContainer, { remaps }: RestoreOptions): Line[] {
  return recordedPorts(spec).map(({ binding, inside }) => ({ from: portOf(binding), to: portOf(remapPort(binding, remaps.ports) ?? { HostPort: unpublished }), says: [`for ${inside} in the container`] }))
}

/** As a number where it is one: quotes invite mistakes. */
function portOf({ HostIp, HostPort }: { readonly HostIp?: unknown; readonly HostPort?: unknown }): string | number {
  const port = typeof HostPort === 'string' ? HostPort : ''
  if (typeof HostIp !== 'string' || ['', '0.0.0.0'].includes(HostIp)) return /^\d+$/.test(port) ? Number(port) : port
  return `${HostIp.includes(':') ? `[${HostIp}]` : HostIp}:${port}`
}

function volumeLines(stored: StoredContainer, options: RestoreOptions): Line[] {
  return recordedVolumes(stored.spec).filter(name => !isHexName(name)).map(name => ({ from: name, to: options.remaps.volumes.get(name) ?? name, ...dataOf(stored, name, options) }))
}

function bindLines(stored: StoredContainer, options: RestoreOptions): Line[] {
  return recordedBinds(stored.spec).map(path => ({ from: path, to: remapPath(path, options.remaps.binds), ...dataOf(stored, path, options) }))
}

function networkLines({ spec }: StoredContainer, { remaps }: RestoreOptions): Line[] {
  return recordedNetworks(spec).map(name => ({ from: name, to: remaps.networks.get(name) ?? name, says: [] }))
}

function dataOf(stored: StoredContainer, source: string, options: RestoreOptions): Pick<Line, 'data' | 'says'> {
  const mount = stored.mounts.find(({ described }) => described.source === source)
  const places = stored.spec.inspect.Mounts.filter(({ Name, Source }) => (Name ?? Source) === source).map(({ Destination }) => Destination)
  if (mount === undefined) return { says: [`at ${places.join(', ')}: its data is not in the backup`] }
  const { described: { label, entries, dataBytes, destinations } } = mount
  const isKept = [source, label, options.remaps.volumes.get(source), ...destinations.map(({ path }) => path)].some(name => name !== undefined && options.keep.includes(name)) || options.keep.includes(remapPath(source, options.remaps.binds))
  return { data: isKept ? 'keep' : mayReplaceData(options, source) ? 'replace' : 'restore', says: [`at ${destinations.map(({ path }) => path).join(', ')}: ${formatCount(entries, 'entry', 'entries')}, ${formatBytes(dataBytes)}`] }
}

function sourceOf(taken: Taken): string | undefined {
  return taken.kind === 'port' ? taken.port : taken.kind === 'network' ? taken.name : taken.kind === 'name' ? undefined : taken.source
}

function inTheWay({ text, taken }: Obstacle): string {
  return `IN THE WAY: ${text}${taken?.kind === 'port' ? `; ${taken.free} is free` : taken?.kind === 'network' && taken.other !== undefined ? `; "${taken.other}" would do` : ''}`
}
