import { DrayError } from '../../errors/dray-error.ts'
import { importJson, importLines } from '../../ui/describe-import.ts'
import { importFile } from '../../workflows/import-file.ts'
import { listOf, textOf } from '../backup-options.ts'
import type { Command } from '../command.ts'
import { lockRepository, whileLocked } from '../repository-lock.ts'
import { sayReport } from '../run-command.ts'

export const importCommand: Command = {
  usage: 'import <file>',
  summary: 'Take the backups of an exported file into the repository, or the images of docker save',
  examples: [
    ['dray import web.tar', 'the backups in it keep their ids; restore them as usual'],
    ['ssh old dray export latest web -o - | dray import -', 'out of a pipe'],
    ['docker save app:1 | dray import - --tag release', 'images alone become a backup of images'],
  ],
  options: yargs => yargs
    .positional('file', { type: 'string', demandOption: true, describe: 'a file of dray export, docker save, podman or skopeo, in any compression; "-" for stdin' })
    .option('tag', { type: 'string', array: true, nargs: 1, default: [], describe: 'a mark on the backup that images become' }),
  run: async (args, context) => {
    const file = textOf(args['file']) ?? ''
    if (file === '-' && process.stdin.isTTY) throw new DrayError('usage', 'there is nothing on stdin to import', { hints: ['docker save IMAGE | dray import -', 'dray import FILE'] })
    if (context.globals.dryRun) throw new DrayError('usage', '--dry-run imports nothing: dray verify shows what is in a file', { hints: [`dray verify ${file}`] })
    await using repository = await context.openRepository({ create: true })
    return await whileLocked(await lockRepository(context, repository, 'shared'), async lock => {
      const { reporter, signal } = context
      const report = await importFile({ repository, lock, from: file === '-' ? (process.stdin as AsyncIterable<Buffer>) : file, tags: listOf(args['tag']), reporter, signal })
      sayReport(context, importLines(report))
      return { text: [...report.added, ...report.present].map(({ id }) => id).join('\n'), json: { repository: repository.path, ...importJson(report) } }
    })
  },
}
