import { exitCodes } from '../../errors/exit-codes.ts'
import { imageTable, mountTable } from '../../ui/describe-contents.ts'
import { entryJson, entryLine } from '../../ui/describe-entry.ts'
import { formatTime } from '../../ui/format.ts'
import { findPlace, lookIntoWhatIsLeft, splitPlace, type LookedBackup } from '../../workflows/look/find-place.ts'
import { listEntries } from '../../workflows/look/list-entries.ts'
import { readImageFacts } from '../../workflows/look/read-images.ts'
import type { Repository } from '../../store/repository.ts'
import { listOf } from '../backup-options.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { containerOption, lookJob, whileReading } from '../look-options.ts'

export const lsCommand: Command = {
  usage: 'ls <place..>',
  summary: 'List what lies in a backup, like ls -l: its mounts, or files and folders of one',
  examples: [
    ['dray ls latest', 'the mounts and images of the last backup'],
    ['dray ls 20261121-0312:data/conf', 'a folder in the volume "data"'],
    ['dray ls latest:/var/lib/app --container web -R', 'all that is below a path of the container'],
    ["dray ls '20261121-0312:data/**/*.log'", 'by a pattern'],
  ],
  options: yargs => containerOption(yargs
    .positional('place', { type: 'string', array: true, demandOption: true, describe: 'BACKUP[:MOUNT[/PATH]]; MOUNT is a volume, a path on the host or in the container; PATH may be a glob' })
    .option('recursive', { alias: 'R', type: 'boolean', default: false, describe: 'folders with all that is below them' })),
  run: async (args, context) => await whileReading(context, async repository => {
    const job = lookJob(context, args, repository)
    const texts: string[] = []
    const backups: object[] = []
    let count = 0
    let exitCode = 0
    for (const text of listOf(args['place'])) {
      const { backup, rest } = splitPlace(text)
      const looked = await lookIntoWhatIsLeft(job, backup)
      if (rest === undefined || rest === '') {
        const result = await describeBackup(context, repository, looked)
        texts.push(result.text)
        backups.push(result.json)
        exitCode = Math.max(exitCode, result.exitCode ?? 0)
        continue
      }
      const place = await findPlace(repository, looked, rest)
      for await (const { entries, from } of listEntries(place, { recursive: args['recursive'] === true })) {
        count += entries.length
        for (const entry of entries) {
          if (context.globals.json) await context.emit({ event: 'entry', backup: looked.backup.id, mount: place.mount.described.id, ...entryJson(entry) })
          else await context.output.line(entryLine(entry, entry.path.subarray(from)))
        }
      }
    }
    return { text: texts.join('\n\n'), json: { ...(backups.length === 0 ? {} : { backups }), entries: count }, exitCode }
  }),
}

async function describeBackup({ width }: CommandContext, { blobs }: Repository, { backup, contents, mounts, lostMounts }: LookedBackup): Promise<CommandResult> {
  const images = await readImageFacts(blobs, contents.images)
  const described = mounts.map(mount => mount.described)
  const text = [`backup ${backup.id} of ${backup.containers.join(', ') || 'data or images alone'}, ${formatTime(backup.created)}, host "${backup.host}"`, '', ...(described.length === 0 && lostMounts.length > 0 ? [] : [mountTable(described, width)]), ...lostMounts.map(id => `not to be read any more: mount ${id}`), '', imageTable(images, width)].join('\n')
  return { text, json: { backup: backup.id, containers: backup.containers, mounts: described, lostMounts, images }, ...(lostMounts.length === 0 ? {} : { exitCode: exitCodes.damaged }) }
}
