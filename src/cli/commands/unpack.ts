import { resolve } from 'node:path'
import { DrayError } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { findPackedImage, unpackToFolder, unpackToVolume } from '../../workflows/pack/unpack-image.ts'
import { temporaryJournal } from '../../workflows/run.ts'
import { tidyUp } from '../../workflows/tidy-up.ts'
import { textOf } from '../backup-options.ts'
import type { Command } from '../command.ts'
import { readFolderPath } from '../image-path.ts'
import { sayReport, withRun } from '../run-command.ts'

export const unpackCommand: Command = {
  usage: 'unpack <image>',
  summary: 'Put the data of an image that pack made into a volume or a folder',
  examples: [
    ['dray unpack example/data:1 --to data2', 'into the volume "data2", which is new or empty'],
    ['dray unpack example/data:1 --to ./data', 'into a folder of this machine'],
    ['dray unpack example/data:1 -H ssh://root@web1', 'on another host, into a volume of the name that was packed'],
  ],
  options: yargs => yargs
    .positional('image', { type: 'string', demandOption: true, describe: 'an image that the engine has' })
    .option('to', { type: 'string', describe: 'a volume; or a folder of this machine, with a "/" in its name (default: a volume of the name that was packed)' })
    .option('path', { type: 'string', describe: 'where the data is in the image (default: what pack wrote down, else the one volume that it declares)' })
    .option('reader', { choices: ['auto', 'host', 'helper', 'api'] as const, default: 'auto', describe: 'how the volume is written' }),
  run: async (args, context) => {
    const wanted = textOf(args['path'])
    const engine = await context.connect()
    return await withRun(context, async run => await tidyUp(run, engine, async () => {
      const image = await findPackedImage(engine, textOf(args['image']) ?? '', wanted === undefined ? undefined : readFolderPath(wanted), context.signal)
      const to = textOf(args['to']) ?? image.source
      if (to === undefined || (args['to'] === undefined && to.includes(':'))) throw new DrayError('usage', 'where to?', { hints: ['into a volume: --to VOLUME', 'into a folder of this machine: --to ./FOLDER'] })
      const isFolder = to.includes('/') || to === '.' || to === '..'
      if (!isFolder && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(to)) throw new DrayError('usage', `"${to}" cannot be the name of a volume`, { hints: [`a folder of this machine: --to ./${to}`] })
      const where = isFolder ? `"${to}"` : `volume "${to}"`
      if (context.globals.dryRun) return { text: `would unpack ${image.path} of ${image.ref} into ${where}`, json: { image: image.ref, path: image.path, to } }
      const { entries, bytes, problems, losses } = isFolder ? await unpackToFolder({ run, engine, image }, resolve(to), context.env) : await unpackToVolume({ run, engine, image, volume: to, reader: args['reader'] as 'auto', temporary: temporaryJournal(run, engine) })
      for (const each of [...problems, ...losses]) context.reporter.warn(`${where}: ${each}`)
      sayReport(context, [`unpacked ${image.path} of ${image.ref} into ${where}: ${formatCount(entries, 'entry', 'entries')}, ${formatBytes(bytes)}`])
      return { text: to, json: { run: run.id, image: image.ref, path: image.path, to, entries, bytes, problems, losses }, exitCode: problems.length + losses.length > 0 ? exitCodes.incomplete : 0 }
    }))
  },
}
