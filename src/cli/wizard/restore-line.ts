import { quoteForShell } from '../../engine/shell-quote.ts'
import type { Remedy } from '../../ui/wizard/ask-remedy.ts'
import type { GlobalOptions } from '../command.ts'
import { listOf, textOf } from '../backup-options.ts'

/** The command line of a restore, by the names that its options have when they are read. */
export type RestoreLine = {
  readonly backup: string
  readonly container: readonly string[]
  readonly to?: string
  readonly name?: string
  readonly replace: boolean
  readonly skipDamaged: boolean
  readonly noStart: boolean
  readonly replayDump: boolean
  readonly keep: readonly string[]
  readonly makePath: readonly string[]
  readonly only?: 'spec' | 'image' | 'data'
  readonly mapPort: readonly string[]
  readonly mapVolume: readonly string[]
  readonly mapBind: readonly string[]
  readonly mapNetwork: readonly string[]
  readonly reader: string
  readonly healthTimeout?: number
}

/** What was typed, with the backup to come. */
export function lineOf(args: Record<string, unknown>): RestoreLine {
  const to = textOf(args['to'])
  const name = textOf(args['name'])
  const seconds = args['healthTimeout']
  const only = (['spec', 'image', 'data'] as const).find(each => each === args['only'])
  return {
    backup: '', container: [],
    ...(to === undefined ? {} : { to }), ...(name === undefined ? {} : { name }), ...(typeof seconds === 'number' ? { healthTimeout: seconds } : {}), ...(only === undefined ? {} : { only }),
    replace: args['replace'] === true, skipDamaged: args['skipDamaged'] === true, noStart: args['noStart'] === true, replayDump: args['replayDump'] === true,
    keep: listOf(args['keep']), makePath: listOf(args['makePath']), mapPort: listOf(args['mapPort']), mapVolume: listOf(args['mapVolume']), mapBind: listOf(args['mapBind']), mapNetwork: listOf(args['mapNetwork']),
    reader: textOf(args['reader']) ?? 'auto',
  }
}

export function withRemedy(line: RestoreLine, remedy: Remedy): RestoreLine {
  if ('name' in remedy) return { ...line, name: remedy.name }
  if ('replace' in remedy) return { ...line, replace: true }
  if ('skipDamaged' in remedy) return { ...line, skipDamaged: true }
  if ('keep' in remedy) return { ...line, keep: [...line.keep, remedy.keep] }
  if ('makePath' in remedy) return { ...line, makePath: [...line.makePath, remedy.makePath] }
  if ('again' in remedy) return line
  const { map, from, to } = remedy
  switch (map) {
    case 'port':
      return { ...line, mapPort: remapped(line.mapPort, from, to) }
    case 'volume':
      return { ...line, mapVolume: remapped(line.mapVolume, from, to) }
    case 'bind':
      return { ...line, mapBind: remapped(line.mapBind, from, to) }
    case 'network':
      return { ...line, mapNetwork: remapped(line.mapNetwork, from, to) }
  }
}

/** `from` may be what an earlier answer mapped something to: then that is mapped anew. Volumes and paths are named as recorded. */
function remapped(maps: readonly string[], from: string, to: string): string[] {
  const earlier = maps.find(map => map.endsWith(`:${from}`)) ?? maps.find(map => map.startsWith(`${from}:`))
  const recorded = earlier === undefined ? from : earlier.endsWith(`:${from}`) ? earlier.slice(0, -from.length - 1) : from
  return [...maps.filter(map => map !== earlier), `${recorded}:${to}`]
}

/** Words that are quoted for a shell. */
export function commandOf(line: RestoreLine, globals: Pick<GlobalOptions, 'host' | 'repo' | 'isRepoGiven' | 'insecure'>): string[] {
  const each = (option: string, values: readonly string[]): string[] => values.flatMap(value => [option, value])
  const words = [
    ...globalWords(globals), 'restore', line.backup, ...line.container,
    ...each('--to', line.to === undefined ? [] : [line.to]), ...each('--name', line.name === undefined ? [] : [line.name]),
    ...(line.replace ? ['--replace'] : []), ...(line.skipDamaged ? ['--skip-damaged'] : []), ...(line.noStart ? ['--no-start'] : []), ...(line.replayDump ? ['--replay-dump'] : []),
    ...(line.only === undefined ? [] : ['--only', line.only]), ...each('--keep', line.keep), ...each('--make-path', line.makePath), ...each('--map-port', line.mapPort), ...each('--map-volume', line.mapVolume), ...each('--map-bind', line.mapBind), ...each('--map-network', line.mapNetwork),
    ...(line.reader === 'auto' ? [] : ['--reader', line.reader]), ...(line.healthTimeout === undefined ? [] : ['--health-timeout', String(line.healthTimeout)]),
  ]
  return words.map(quoteForShell)
}

/** `dray` with what leads it to the same engine and repository. */
export function globalWords({ host, repo, isRepoGiven, insecure }: Pick<GlobalOptions, 'host' | 'repo' | 'isRepoGiven' | 'insecure'>): string[] {
  return ['dray', ...(isRepoGiven ? ['-r', repo] : []), ...(host === undefined ? [] : ['-H', host]), ...(insecure ? ['--insecure'] : [])]
}
