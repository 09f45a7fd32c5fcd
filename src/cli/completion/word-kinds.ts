import type { Command } from '../command.ts'

/** What a word names: something of the engine, of the repository, or a docker context. */
export type WordKind = 'container' | 'stored container' | 'backup' | 'context' | 'volume' | 'container or backup' | 'container or context'

/** Commands that take their containers out of backups. */
const ofBackups = new Set(['restore', 'drill', 'show', 'verify', 'ls', 'cat', 'extract', 'find', 'diff', 'list', 'forget'])

/** `placeholder` as in the command's usage, without its brackets. Undefined: a file, or something that only its user knows. */
export function kindOfPositional(command: Command, placeholder: string): WordKind | undefined {
  const name = nameOf(command)
  if (placeholder === 'container') return ofBackups.has(name) ? 'stored container' : 'container'
  if (['backup', 'before', 'after', 'place'].includes(placeholder) || (placeholder === 'target' && name === 'verify')) return 'backup'
  if (placeholder === 'target') return 'container or backup'
  if (placeholder === 'what') return name === 'migrate' ? 'container or context' : 'container or backup'
  return placeholder === 'volume' || placeholder === 'source' ? 'volume' : undefined
}

export function kindOfOption(command: Command | undefined, option: string): WordKind | undefined {
  if (option === 'container') return command !== undefined && ofBackups.has(nameOf(command)) ? 'stored container' : 'container'
  return option === 'host' || option === 'to' ? 'context' : undefined
}

function nameOf({ usage }: Command): string {
  return usage.split(' ')[0] ?? ''
}
