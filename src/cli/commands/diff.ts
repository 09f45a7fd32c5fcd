import type { Repository } from '../../store/repository.ts'
import { differenceJson, differenceLine, layerLines, specLines } from '../../ui/describe-diff.ts'
import { formatBytes, formatCount, formatTime } from '../../ui/format.ts'
import { diffImages, diffMount, diffSpecs, pairMounts, type MountPair } from '../../workflows/look/diff-backups.ts'
import { lookInto, shortNameOf } from '../../workflows/look/find-place.ts'
import { textOf } from '../backup-options.ts'
import type { Command, CommandContext } from '../command.ts'
import { containerOption, lookJob, whileReading } from '../look-options.ts'

export const diffCommand: Command = {
  usage: 'diff <before> <after>',
  summary: 'Show what differs between two backups: settings, image layers, files of every mount',
  examples: [
    ['dray diff 20261120-0312 20261121-0312', 'what a day has changed'],
    ['dray diff 20261121-0312 latest --container web', 'since then'],
    ['dray diff 20261120-0312 20261121-0312 --summary', 'only numbers and sizes'],
  ],
  options: yargs => containerOption(yargs
    .positional('before', { type: 'string', demandOption: true, describe: 'a backup: id, the beginning of one, or "latest"' })
    .positional('after', { type: 'string', demandOption: true, describe: 'the other one' })
    .option('summary', { type: 'boolean', default: false, describe: 'do not name the files' })),
  run: async (args, context) => await whileReading(context, async repository => {
    const { output, globals } = context
    const job = lookJob(context, args, repository)
    const [before, after] = [await lookInto(job, textOf(args['before']) ?? ''), await lookInto(job, textOf(args['after']) ?? '')]
    const specs = diffSpecs(before, after)
    const images = await diffImages(repository, before, after)
    if (!globals.json) {
      const ofBackup = ({ backup }: typeof before): string => `${backup.id} of ${formatTime(backup.created)}`
      for (const line of [`from ${ofBackup(before)} to ${ofBackup(after)}`, ...specLines(specs), ...layerLines(images)]) await output.line(line)
    }
    const mounts: object[] = []
    for (const pair of pairMounts(before, after)) mounts.push(await sayMount(context, repository, pair, args['summary'] !== true))
    return { text: '', json: { before: before.backup.id, after: after.backup.id, specs, images, mounts } }
  }),
}

async function sayMount({ output, globals, emit }: CommandContext, repository: Repository, pair: MountPair, named: boolean): Promise<object> {
  if ('only' in pair) {
    const { described } = pair.mount
    if (!globals.json) await output.line(`mount ${shortNameOf(pair.mount)}: only in the ${pair.only === 'before' ? 'first' : 'second'}: ${formatCount(described.entries, 'entry', 'entries')}, ${formatBytes(described.dataBytes)}`)
    return { mount: described.source, only: pair.only, entries: described.entries, bytes: described.dataBytes }
  }
  const name = shortNameOf(pair.after)
  const counts = { added: 0, addedBytes: 0, removed: 0, removedBytes: 0, changed: 0, changedBytes: 0 }
  for await (const difference of diffMount(repository, pair.before, pair.after)) {
    if (counts.added + counts.removed + counts.changed === 0 && !globals.json && named) await output.line(`mount ${name}:`)
    const { change } = difference
    const entry = change === 'removed' ? difference.before : difference.after
    counts[change]++
    counts[`${change}Bytes`] += entry.type === 'f' ? entry.size : 0
    if (!named) continue
    if (globals.json) await emit({ event: 'entry', mount: pair.after.described.source, ...differenceJson(difference) })
    else await output.line(differenceLine(difference))
  }
  if (!globals.json) await output.line(counts.added + counts.removed + counts.changed === 0 ? `mount ${name}: the same files` : `mount ${name}: ${counts.added} added (${formatBytes(counts.addedBytes)}), ${counts.removed} removed (${formatBytes(counts.removedBytes)}), ${counts.changed} changed (${formatBytes(counts.changedBytes)})`)
  return { mount: pair.after.described.source, ...counts }
}
