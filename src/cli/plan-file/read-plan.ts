import { readFile } from 'node:fs/promises'
import type { Remaps } from '../../engine/spec/remap-record.ts'
import { fromSystemError } from '../../errors/system-error.ts'
import type { RestoreOptions } from '../../workflows/restore-plan.ts'
import type { WantedBackup } from '../../workflows/steps/choose-backup.ts'
import { checkYaml, type CheckedYaml } from '../check-yaml.ts'
import { knownKeys, planSchema, type PlanFile, type PlannedContainer } from './schema.ts'

/** What a restore is told to do. */
export type PlannedRestore = {
  readonly repository?: string
  readonly target?: string
  readonly wanted: readonly WantedBackup[]
  readonly options: RestoreOptions
}

/** Throws `usage` that lists everything wrong with the file, each with its line, and `not-found` where there is none. */
export async function readPlan(path: string): Promise<PlannedRestore> {
  const text = await readFile(path, 'utf8').catch((thrown: unknown) => {
    throw fromSystemError(thrown, 'cannot read', path)
  })
  const { value, lineOf } = parsePlan(text, path)
  return toRestore(value, at => `"${path}", line ${lineOf(at)}`)
}

export function parsePlan(text: string, fileName: string): CheckedYaml<PlanFile> {
  return checkYaml(text, { fileName, knownKeys, schema: planSchema, what: 'a restore plan that dray understands', hints: ['docs/restore-plan.md has every key, with examples', 'write a new one: dray restore BACKUP --plan-out FILE'] })
}

/** What stands at a path of the file, in words. */
type PlaceOf = (path: readonly (string | number)[]) => string

function toRestore({ repository, target, containers, reader, ...rest }: PlanFile, placeOf: PlaceOf): PlannedRestore {
  const backups = [...new Set(containers.map(({ backup }) => backup))]
  return {
    ...(repository === undefined ? {} : { repository }),
    ...(target === undefined ? {} : { target }),
    wanted: backups.map(backup => ({ backup, containers: containers.filter(each => each.backup === backup).map(({ container }) => container), all: false })),
    options: {
      replace: containers.some(each => isReplacing(each)),
      start: true,
      skipDamaged: rest['skip-damaged'],
      replayDump: rest['replay-dump'],
      remaps: noneMapped,
      keep: [],
      reader,
      ...(rest.only === undefined ? {} : { only: rest.only }),
      ...(rest['health-timeout'] === undefined ? {} : { healthSeconds: rest['health-timeout'] }),
      single: new Map(containers.map((each, at) => [each.container, { ...optionsOf(each), named: namedIn(each, path => placeOf(['containers', at, ...path])), makePaths: rest['make-paths'].filter(path => each.binds.some(({ to }) => to === path)) }])),
    },
  }
}

const noneMapped: Remaps = { ports: new Map(), volumes: new Map(), binds: new Map(), networks: new Map() }

function isReplacing({ replace, volumes, binds }: PlannedContainer): boolean {
  return replace || [...volumes, ...binds].some(({ data }) => data === 'replace')
}

function optionsOf({ container, name = container, replace, start, ports, volumes, binds, networks }: PlannedContainer): Partial<RestoreOptions> {
  const mounts = [...volumes, ...binds]
  return {
    name,
    replace,
    start,
    remaps: { ports: mapOf(ports), volumes: mapOf(volumes), binds: binds.some(isMoved) ? new Map(binds.map(({ from, to }) => [from, to])) : new Map(), networks: mapOf(networks) },
    keep: mounts.flatMap(({ from, data }) => (data === 'keep' ? [from] : [])),
    replaceData: mounts.flatMap(({ from, data }) => (data === 'replace' ? [from] : [])),
  }
}

function namedIn(container: PlannedContainer, placeOf: PlaceOf): NonNullable<RestoreOptions['named']> {
  const of = (key: keyof Remaps): ReadonlyMap<string, string> => new Map(container[key].map(({ from }, at) => [from, placeOf([key, at, 'from'])]))
  return { ports: of('ports'), volumes: of('volumes'), binds: of('binds'), networks: of('networks') }
}

type Mapped = { readonly from: string; readonly to: string }

/** What stays where it was is not mapped. Of paths all are, when one is: what lies below a mapped one would move along. */
function mapOf(maps: readonly Mapped[]): Map<string, string> {
  return new Map(maps.filter(isMoved).map(({ from, to }) => [from, to]))
}

function isMoved({ from, to }: Mapped): boolean {
  return from !== to
}
