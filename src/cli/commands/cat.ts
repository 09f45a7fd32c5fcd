import { DrayError } from '../../errors/dray-error.ts'
import { filesOf, readFile } from '../../workflows/look/read-file.ts'
import { listOf } from '../backup-options.ts'
import type { Command } from '../command.ts'
import { containerOption, lookJob, Places, whileReading } from '../look-options.ts'

export const catCommand: Command = {
  usage: 'cat <place..>',
  summary: 'Write the content of files of a backup to stdout',
  examples: [
    ['dray cat latest:data/app.conf', 'a file of the volume "data"'],
    ['dray cat 20261121-0312:/etc/app/app.conf | diff - app.conf', 'by its path in the container, compared with the one here'],
    ["dray cat 'latest:logs/2026-11-*.log' --container web", 'several, one after the other'],
  ],
  options: yargs => containerOption(yargs.positional('place', { type: 'string', array: true, demandOption: true, describe: 'BACKUP:MOUNT/PATH; PATH may be a glob' })),
  run: async (args, context) => {
    if (context.globals.json) throw new DrayError('usage', 'cat writes the files themselves to stdout, which --json is for events', { hints: ['leave out --json', 'dray extract writes files into a folder'] })
    return await whileReading(context, async repository => {
      const places = new Places(lookJob(context, args, repository))
      for (const text of listOf(args['place'])) {
        const place = await places.open(text, 'cat')
        for await (const entry of filesOf(place)) for await (const bytes of readFile(place, entry)) await context.output.data(bytes)
      }
      return { text: '', json: {} }
    })
  },
}
