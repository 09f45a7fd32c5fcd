import type { Remaps } from '../engine/spec/remap-record.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { RestoreOptions } from '../workflows/restore-plan.ts'
import { listOf, textOf } from './backup-options.ts'

export function readRestoreOptions(args: Record<string, unknown>): RestoreOptions {
  const name = textOf(args['name'])
  const seconds = args['healthTimeout']
  if (name !== undefined && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) throw new DrayError('usage', `"${name}" cannot be the name of a container`, { hints: ['letters, digits, "_", "." and "-", two at least'] })
  const only = textOf(args['only']) as RestoreOptions['only']
  if (only !== undefined && only !== 'spec' && args['replayDump'] === true) throw new DrayError('usage', `--only ${only} makes no container, and --replay-dump needs one that runs`, { hints: ['say one of them'] })
  return {
    ...(name === undefined ? {} : { name }),
    ...(only === undefined ? {} : { only }),
    replace: args['replace'] === true,
    start: args['noStart'] !== true,
    skipDamaged: args['skipDamaged'] === true,
    replayDump: args['replayDump'] === true,
    remaps: readRemaps(args),
    keep: listOf(args['keep']),
    makePaths: listOf(args['makePath']),
    reader: (args['reader'] ?? 'auto') as RestoreOptions['reader'],
    ...(typeof seconds === 'number' && seconds > 0 ? { healthSeconds: seconds } : {}),
  }
}

export function readRemaps(args: Record<string, unknown>): Remaps {
  return {
    ports: readMap(listOf(args['mapPort']), 'map-port', '80:8080'),
    volumes: readMap(listOf(args['mapVolume']), 'map-volume', 'data:data2'),
    binds: readMap(listOf(args['mapBind']), 'map-bind', '/srv/a:/srv/b'),
    networks: readMap(listOf(args['mapNetwork']), 'map-network', 'front:front2'),
  }
}

/** `from:to`; a port may have an address before it, on either side: `127.0.0.1:80:127.0.0.1:8080`. */
function readMap(pairs: readonly string[], option: string, example: string): Map<string, string> {
  const map = new Map<string, string>()
  for (const pair of pairs) {
    const parts = pair.split(':')
    const allowed = option === 'map-port' ? [2, 3, 4] : [2]
    const half = Math.floor(parts.length / 2)
    const [from, to] = parts.length === 3 ? splitUneven(parts) : [parts.slice(0, half).join(':'), parts.slice(half).join(':')]
    if (!allowed.includes(parts.length) || parts.includes('')) throw new DrayError('usage', `"${pair}" is not a map`, { hints: [`--${option} ${example}`] })
    if (option === 'map-bind' && !(from.startsWith('/') && to.startsWith('/'))) throw new DrayError('usage', `"${pair}" does not map a path to a path`, { hints: [`--${option} ${example}`] })
    if (map.has(from)) throw new DrayError('usage', `"${from}" is mapped twice`, { hints: ['map it once; two containers of several can have each their own in a plan: --plan-out FILE'] })
    map.set(from, to)
  }
  return map
}

/** Three parts: the address belongs to the side it stands on. */
function splitUneven([first = '', second = '', third = '']: readonly string[]): [string, string] {
  return first.includes('.') ? [`${first}:${second}`, third] : [first, `${second}:${third}`]
}
