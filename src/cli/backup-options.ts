import { DrayError } from '../errors/dray-error.ts'
import type { BackupOptions } from '../workflows/backup.ts'
import type { Selection } from '../workflows/steps/choose-containers.ts'
import { checkSelection } from './choose-groups.ts'

export type BackupChoices = Omit<BackupOptions, 'containers' | 'version'> & { readonly selection: Selection; readonly images: readonly string[] }

/** The options of backup and plan. */
export function readBackupOptions(args: Record<string, unknown>): BackupChoices {
  const author = textOf(args['author'])
  const message = textOf(args['message'])
  const choices: BackupChoices = {
    selection: checkSelection({ names: [...new Set(listOf(args['container']))], all: args['all'] === true, projects: listOf(args['project']), labels: listOf(args['label']) }),
    images: listOf(args['image']),
    consistency: (args['consistency'] ?? 'pause') as BackupChoices['consistency'],
    obeys: args['consistency'] === undefined ? 'labels' : 'labels but consistency',
    reader: (args['reader'] ?? 'auto') as BackupChoices['reader'],
    include: listOf(args['include']),
    exclude: listOf(args['exclude']),
    tags: listOf(args['tag']),
    imageTags: listOf(args['imageTag']),
    withImage: args['noImage'] !== true,
    commit: { changes: listOf(args['change']), ...(author === undefined ? {} : { author }), ...(message === undefined ? {} : { message }) },
  }
  const wishes = choices.commit.changes.length > 0 || author !== undefined || message !== undefined || choices.imageTags.length > 0
  if (!choices.withImage && wishes) throw new DrayError('usage', '--no-image stores no image that --change, --author, --message or --image-tag could concern', { hints: ['leave --no-image out, or the others'] })
  return choices
}

export function listOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String).filter(each => each !== '')
}

export function textOf(value: unknown): string | undefined {
  const last: unknown = Array.isArray(value) ? value.at(-1) : value
  return typeof last === 'string' ? last : undefined
}
