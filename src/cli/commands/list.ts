import { listBackups } from '../../store/backup-list.ts'
import { findHurt } from '../../store/hurt-backups.ts'
import { formatAge, formatBytes, formatCount, formatTime } from '../../ui/format.ts'
import { renderTable } from '../../ui/table.ts'
import { groupBackups } from '../../workflows/retention-groups.ts'
import type { Command } from '../command.ts'

export const listCommand: Command = {
  usage: 'list',
  summary: 'List the backups in the repository, oldest first',
  examples: [
    ['dray list', 'all backups in the default repository'],
    ['dray list -r /srv/backups', 'those in another repository'],
    ['dray list --json', 'for scripts: the result event holds the backups'],
  ],
  options: yargs => yargs,
  run: async (_args, context) => {
    await using repository = await context.openRepository({ create: false })
    const grouped = await groupBackups(repository, await listBackups(repository))
    const hurt = await findHurt(repository, grouped.map(({ backup }) => backup))
    const backups = grouped.map(({ backup, subjects }) => ({ ...backup, hurt: hurt.has(backup.id), images: subjects.filter(({ kind }) => kind === 'image').map(({ name }) => name) }))
    const now = Date.now()
    const text = renderTable(
      [
        { title: 'BACKUP', value: ({ id }) => id },
        { title: 'CREATED', value: ({ created }) => formatTime(created) },
        { title: 'AGE', value: ({ created }) => formatAge(now - Date.parse(created)), align: 'right' },
        { title: 'HOST', value: ({ host }) => host, shrink: true },
        { title: 'OF', value: ({ containers, images }) => [...containers, ...images].join(', ') || '-', shrink: true },
        { title: 'TAGS', value: ({ tags }) => tags.join(', '), shrink: true, optional: true },
        { title: 'LACKS', value: ({ lacks }) => lacks.join('; '), shrink: true, optional: true },
        { title: 'STATE', value: each => (each.hurt ? 'damaged' : ''), optional: true },
        { title: 'SIZE', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
      ],
      backups,
      context.width,
    )
    if (hurt.size > 0) context.reporter.warn(`${formatCount(hurt.size, 'backup')} ${hurt.size === 1 ? 'lacks' : 'lack'} what a check found damaged: dray verify BACKUP says what`)
    const json = { repository: repository.path, backups: backups.map(({ descriptor, ...facts }) => ({ ...facts, digest: descriptor.digest })) }
    return { text: backups.length === 0 ? `no backups in ${repository.path}` : text, json }
  },
}
