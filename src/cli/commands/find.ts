import { DrayError } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { listBackups, findBackup } from '../../store/backup-list.ts'
import { entryJson, timeText } from '../../ui/describe-entry.ts'
import { formatBytes } from '../../ui/format.ts'
import { findEntries } from '../../workflows/look/find-entries.ts'
import { placeText } from '../../workflows/look/find-place.ts'
import { backupFilter, filterOptions } from '../backup-filter.ts'
import { listOf, textOf } from '../backup-options.ts'
import type { Command } from '../command.ts'
import { whileReading } from '../look-options.ts'

export const findCommand: Command = {
  usage: 'find <name>',
  summary: 'Find files by name in all backups, newest first',
  examples: [
    ['dray find app.conf', 'every version of every file of this name'],
    ["dray find '*.sql' --container db --since 7d", 'by a pattern, in the backups of the last week'],
    ['dray find /var/lib/app/conf/app.conf', 'by its path in the container'],
    ["dray find 'conf/**/*.pem' --backup 20261121-0312", 'by its path in the mount, in one backup'],
  ],
  options: yargs => filterOptions(yargs
    .positional('name', { type: 'string', demandOption: true, describe: 'a name, or a path when it has a slash; either may be a glob' })
    .option('backup', { type: 'string', array: true, nargs: 1, default: [], describe: 'only in this backup: its id, or the beginning of one' })),
  run: async (args, context) => await whileReading(context, async repository => {
    const pattern = textOf(args['name']) ?? ''
    const fits = backupFilter(args)
    const named: string[] = []
    for (const text of listOf(args['backup'])) named.push((await findBackup(repository, text)).id)
    const backups = (await listBackups(repository)).filter(backup => fits(backup) && (named.length === 0 || named.includes(backup.id))).reverse()
    if (backups.length === 0) throw new DrayError('not-found', 'there are no such backups', { hints: ['dray list shows the backups'] })
    const containers = listOf(args['container'])
    const container = containers.length === 1 && backups.every(backup => backup.containers.includes(containers[0] ?? '')) ? containers[0] : undefined
    let count = 0
    const damaged: string[] = []
    const onDamaged = (text: string): void => {
      damaged.push(text)
      context.reporter.warn(text)
    }
    for await (const { backup, mount, entries } of findEntries({ repository, backups, pattern, container, signal: context.signal, onDamaged })) {
      count += entries.length
      for (const entry of entries) {
        const place = placeText({ backup: backup.id, mount }, entry.path)
        if (context.globals.json) await context.emit({ event: 'entry', backup: backup.id, created: backup.created, mount: mount.described.id, place, ...entryJson(entry) })
        else await context.output.line(`${timeText(entry.mtime)} ${(entry.type === 'd' ? 'folder' : formatBytes(entry.size)).padStart(9)}  ${place}`)
      }
    }
    if (count === 0 && damaged.length === 0) throw new DrayError('not-found', `none of ${backups.length} backups holds "${pattern}"`, { hints: [...(pattern.includes('*') ? [] : [`parts of names: dray find '*${pattern}*'`]), 'volumes and bind mounts are searched; what a container wrote elsewhere lies in its image, and comes back with it'] })
    return { text: '', json: { entries: count, backups: backups.length, damaged }, ...(damaged.length > 0 ? { exitCode: exitCodes.incomplete } : {}) }
  }),
}
