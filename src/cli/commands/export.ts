import { archiveFormats, packArchive } from '../../archive/archive-format.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { exportJson, exportText } from '../../ui/describe-export.ts'
import { openExport, planExport } from '../../workflows/export-backups.ts'
import { whileTransferring } from '../../workflows/reporter.ts'
import { listOf, textOf } from '../backup-options.ts'
import { chooseBackups } from '../choose-backups.ts'
import type { Command } from '../command.ts'
import { prepareTarget, readExportTarget, writeExport } from '../export-target.ts'
import { lockRepository, whileLocked } from '../repository-lock.ts'

export const exportCommand: Command = {
  usage: 'export <backup..>',
  summary: 'Write backups into one file, which docker load and dray import take',
  examples: [
    ['dray export latest web -o web.tar', 'the newest backup of "web", with its images and data'],
    ['dray export 20261121-0312 20261122-0312 -o both.tar.zst', 'two backups: what they have in common is in the file once'],
    ['dray export latest web -o - | ssh other dray import -', 'into the repository of another host'],
    ['dray export latest web --image-only -o web-image.tar.gz', 'only the images, for docker load'],
  ],
  options: yargs => yargs
    .positional('backup', { type: 'string', array: true, demandOption: true, describe: 'ids, beginnings of ids, or "latest", which a container\'s name may follow' })
    .option('output', { alias: 'o', type: 'string', describe: 'the file, or "-" for stdout: .tar, .tar.gz or .tar.zst by its name' })
    .option('format', { choices: archiveFormats, describe: 'what the name does not say (default for "-": tar)' })
    .option('image-only', { type: 'boolean', default: false, describe: 'only the images: no specs, no data' }),
  run: async (args, context) => {
    const { globals, reporter, signal, width } = context
    const output = textOf(args['output'])
    if (output === undefined) throw new DrayError('usage', 'say where to write it', { hints: ['-o FILE.tar', '-o - for stdout'] })
    const target = readExportTarget(output, textOf(args['format']), { json: globals.json, repository: globals.repo })
    await prepareTarget(target)
    await using repository = await context.openRepository({ create: false })
    return await whileLocked(await lockRepository(context, repository, 'shared'), async () => {
      const backups = await chooseBackups(repository, listOf(args['backup']), text => reporter.warn(text))
      const plan = await planExport(repository.blobs, backups, { imageOnly: args['imageOnly'] === true, signal })
      if (globals.dryRun) return { text: exportText(target.file, plan.blobBytes, plan, width), json: { dryRun: true, ...exportJson(target.file, plan.blobBytes, plan) } }
      const bytes = await whileTransferring(reporter, target.file === undefined ? 'stdout' : output, transfer => {
        const tar = openExport(repository.blobs, plan, written => transfer.add(written))
        return writeExport(target, packArchive(tar, target.format), tar, signal)
      }, plan.blobBytes)
      const text = exportText(target.file, bytes, plan, width)
      if (target.file !== undefined) return { text, json: exportJson(target.file, bytes, plan) }
      for (const line of text.split('\n')) if (line !== '') reporter.note(line)
      return { text: '', json: {} }
    })
  },
}
