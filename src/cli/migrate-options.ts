import { parseEndpoint } from '../engine/endpoint.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { MigrateOptions } from '../workflows/migration.ts'
import { listOf, textOf } from './backup-options.ts'
import type { Compress } from './choose-link.ts'
import { readRestoreOptions } from './restore-options.ts'

export type MigrateChoices = { readonly source: string; readonly target: string; readonly options: Omit<MigrateOptions, 'route'>; readonly via: Via; readonly compress: Compress }

export type Via = { readonly kind: 'stream' } | { readonly kind: 'registry' | 'file'; readonly where: string }

/** Containers first, then the two engines. */
export function readMigrateOptions(args: Record<string, unknown>): MigrateChoices {
  const words = listOf(args['what'])
  const projects = listOf(args['project'])
  const [source, target] = words.slice(-2)
  const containers = words.slice(0, -2)
  const usage = 'dray migrate CONTAINER… SOURCE TARGET'
  if (source === undefined || target === undefined) throw new DrayError('usage', 'name the containers, the engine they are on and the engine they go to', { hints: [`${usage}, for example: dray migrate web ssh://root@old ssh://root@new`] })
  if (containers.length === 0 && projects.length === 0) throw new DrayError('usage', 'name a container before the two engines, or a project with --project', { hints: [usage] })
  for (const name of containers) if (name.includes('://')) throw new DrayError('usage', `"${name}" is no name of a container`, { hints: [`the engines come last: ${usage}`] })
  for (const address of [source, target]) if (address.includes('://')) parseEndpoint(address)
  if (source === target) throw new DrayError('usage', `source and target are both "${source}"`, { hints: ['a copy on the same engine: dray backup NAME, then dray restore latest NAME --name OTHER'] })
  const waitFor = textOf(args['waitFor'])
  const { name, remaps, keep, reader, healthSeconds } = readRestoreOptions(args)
  return {
    source,
    target,
    compress: (args['compress'] ?? 'auto') as Compress,
    via: readVia(textOf(args['via']) ?? 'stream'),
    options: {
      ...(name === undefined ? {} : { name }),
      ...(healthSeconds === undefined ? {} : { healthSeconds }),
      remaps,
      keep,
      reader,
      containers: [...new Set(containers)],
      projects,
      consistency: (args['consistency'] ?? 'stop') as MigrateOptions['consistency'],
      precopy: args['noPrecopy'] !== true,
      removeSource: args['removeSource'] === true,
      ...(waitFor === undefined ? {} : { waitFor }),
    },
  }
}

function readVia(text: string): Via {
  if (text === 'stream') return { kind: 'stream' }
  const [, kind, where] = /^(registry|file)=(.+)$/.exec(text) ?? []
  if (where === undefined) throw new DrayError('usage', `--via cannot be "${text}"`, { hints: ['stream, registry=REF or file=PATH'] })
  return { kind: kind as 'registry' | 'file', where }
}
