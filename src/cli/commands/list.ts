import { DrayError } from '../../errors/dray-error.ts'
import { listBackups } from '../../store/backup-list.ts'
import { isLocal, type LocalRepository, type Repository } from '../../store/repository.ts'
import { readRunSummaries } from '../../store/run-summaries.ts'
import { runsTable } from '../../ui/describe-runs.ts'
import { listedTable, type ListedBackup } from '../../ui/describe-list.ts'
import { findHurt } from '../../store/hurt-backups.ts'
import { formatCount } from '../../ui/format.ts'
import { groupBackups } from '../../workflows/retention-groups.ts'
import { backupFilter, filterOptions } from '../backup-filter.ts'
import { textOf } from '../backup-options.ts'
import type { Command } from '../command.ts'

type Grouping = 'container' | 'project' | 'host' | 'tag'

export const listCommand: Command = {
  usage: 'list',
  summary: 'List the backups in the repository, oldest first',
  examples: [
    ['dray list', 'all backups in the default repository'],
    ['dray list --by container', 'under a heading for each container of each host'],
    ["dray list --container 'web*' --since 7d", 'those of the last week, of some containers'],
    ['dray list --runs', 'what each backup run did: what it made, what failed'],
    ['dray list --json', 'for scripts: the result event holds the backups'],
  ],
  options: yargs => filterOptions(yargs).option('by', { choices: ['container', 'project', 'host', 'tag'] as const, describe: 'in groups' }).option('runs', { type: 'boolean', default: false, describe: 'list the runs of backup instead' }),
  run: async (args, context) => {
    const fits = backupFilter(args)
    await using repository = await context.openRepository({ create: false })
    if (args['runs'] === true) {
      const runs = await readRunSummaries(requireRuns(repository))
      return { text: runs.length === 0 ? `no runs in ${repository.path}` : runsTable(runs, context.width), json: { repository: repository.path, runs } }
    }
    const grouped = await groupBackups(repository, await listBackups(repository))
    const hurt = await findHurt(repository, grouped.map(({ backup }) => backup))
    if (hurt.size > 0) context.reporter.warn(`${formatCount(hurt.size, 'backup')} ${hurt.size === 1 ? 'lacks' : 'lack'} what a check found damaged: dray verify BACKUP says what`)
    const all = grouped.map(({ backup, subjects }): ListedBackup => ({ ...backup, hurt: hurt.has(backup.id), images: subjects.filter(({ kind }) => kind === 'image').map(({ name }) => name) }))
    const backups = all.filter(backup => fits(backup, backup.images))
    const by = textOf(args['by']) as Grouping | undefined
    const groups = by === undefined ? undefined : groupsBy(by, backups)
    const text = groups === undefined ? listedTable(backups, context.width) : groups.map(({ title, backups: of }) => `${title}\n${indented(listedTable(of, context.width - 2, by))}`).join('\n\n')
    const json = {
      repository: repository.path,
      backups: backups.map(({ descriptor, ...facts }) => ({ ...facts, digest: descriptor.digest })),
      ...(groups === undefined ? {} : { groups: groups.map(({ title, backups: of }) => ({ title, backups: of.map(({ id }) => id) })) }),
    }
    return { text: backups.length > 0 ? text : all.length === 0 ? `no backups in ${repository.path}` : `none of ${all.length} backups in ${repository.path} is such a one`, json }
  },
}

/** Throws `usage` where there are none. */
function requireRuns(repository: Repository): LocalRepository {
  if (isLocal(repository)) return repository
  throw new DrayError('usage', `a registry keeps no summaries of runs: "${repository.path}" has only the backups that they made`, { hints: ['dray list shows those', 'who has to know of each run is told by --ping, --webhook and --metrics', 'a repository in a folder keeps them'] })
}

/** A backup of several containers, or with several marks, is in several groups. */
function groupsBy(by: Grouping, backups: readonly ListedBackup[]): { readonly title: string; readonly backups: readonly ListedBackup[] }[] {
  const groups = new Map<string, ListedBackup[]>()
  for (const backup of backups) for (const title of new Set(titlesOf(by, backup))) groups.set(title, [...(groups.get(title) ?? []), backup])
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([title, of]) => ({ title, backups: of }))
}

function titlesOf(by: Grouping, { containers, images, volumes = [], project, host, tags }: ListedBackup): string[] {
  switch (by) {
    case 'container':
      return [...containers, ...images, ...volumes.map(name => `volume ${name}`)].map(name => `${name} on ${host}`)
    case 'project':
      return [project === undefined ? 'of no project' : `project ${project} on ${host}`]
    case 'host':
      return [host]
    case 'tag':
      return tags.length === 0 ? ['without a mark'] : [...tags]
  }
}

function indented(text: string): string {
  return text.split('\n').map(line => `  ${line}`).join('\n')
}
