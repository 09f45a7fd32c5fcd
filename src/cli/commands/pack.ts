import { splitReference } from '../../engine/image-reference.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { describePacked } from '../../ui/describe-pack.ts'
import { packMount } from '../../workflows/pack/pack-mount.ts'
import { findPackSource } from '../../workflows/pack/pack-source.ts'
import { temporaryJournal } from '../../workflows/run.ts'
import { tidyUp } from '../../workflows/tidy-up.ts'
import { textOf } from '../backup-options.ts'
import type { Command } from '../command.ts'
import { readFolderPath } from '../image-path.ts'
import { sayReport, withRun } from '../run-command.ts'

const usualPath = '/data'

export const packCommand: Command = {
  usage: 'pack <source>',
  summary: 'Make an image of the data of a volume or bind mount, that fills a fresh volume by itself',
  examples: [
    ['dray pack data -t example/data:1', 'of a volume; then: docker create -v fresh:/data example/data:1 fills "fresh"'],
    ['dray pack web:/var/lib/app -t example/app-data', 'of what a container has there, at the same path in the image'],
    ['dray pack data -t registry.example.com/data:1 --path /srv/data -H ssh://root@web1', 'of a volume of another host, made there, to be pushed'],
    ['dray pack data -t example/data:1 --consistency none', 'containers that write to it go on'],
  ],
  options: yargs => yargs
    .positional('source', { type: 'string', demandOption: true, describe: 'a volume; or CONTAINER:MOUNT, by the path or the volume that the container has' })
    .option('tag', { alias: 't', type: 'string', demandOption: true, describe: 'name of the image' })
    .option('path', { type: 'string', describe: `where the data is in the image (default: where containers have it, else ${usualPath})` })
    .option('consistency', { choices: ['pause', 'none'] as const, default: 'pause', describe: 'whether containers that write to it are paused while it is read' })
    .option('reader', { choices: ['auto', 'host', 'helper', 'api'] as const, default: 'auto', describe: 'how the data is read' }),
  run: async (args, context) => {
    const ref = textOf(args['tag']) ?? ''
    const { repo } = splitReference(ref)
    if (!/^[a-z0-9][a-z0-9._:/-]*$/.test(repo)) throw new DrayError('usage', `"${ref}" cannot be the name of an image`, { hints: ['small letters, digits, ".", "_", "-" and "/", then a tag: example/data:1'] })
    const wanted = textOf(args['path'])
    const given = wanted === undefined ? undefined : readFolderPath(wanted)
    const engine = await context.connect()
    return await withRun(context, async run => await tidyUp(run, engine, async () => {
      const temporary = temporaryJournal(run, engine)
      const source = await findPackSource({ run, engine, temporary }, textOf(args['source']) ?? '')
      const path = given ?? source.path ?? usualPath
      if (context.globals.dryRun) return { text: `would pack ${source.label} as ${ref}, at ${path}`, json: { source: source.label, ref, path } }
      const report = await packMount({ run, engine, source, path, ref, reader: args['reader'] as 'auto', consistency: args['consistency'] as 'pause' | 'none', temporary })
      const { warnings, lines } = describePacked(report, { source: source.label, ref, path })
      for (const each of warnings) context.reporter.warn(each)
      sayReport(context, lines)
      const { id, entries, dataBytes, leftOut, problems } = report
      return { text: id, json: { run: run.id, id, ref, path, source: source.label, entries, dataBytes, notes: warnings }, exitCode: leftOut.length + problems.length + report.losses.length > 0 ? exitCodes.incomplete : 0 }
    }))
  },
}
