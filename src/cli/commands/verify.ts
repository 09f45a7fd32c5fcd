import { stat } from 'node:fs/promises'
import { DrayError } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { errnoOf, fromSystemError } from '../../errors/system-error.ts'
import { checkImageArchive, checkImageDirectory, checkImageFile, type Watching } from '../../integrity/check-image-file.ts'
import type { ImageReport, Verdict } from '../../integrity/image-report.ts'
import { describeImageReport } from '../../ui/describe-image-report.ts'
import { repositoryBelow } from '../../store/repository.ts'
import { whileTransferring, type Transfer } from '../../workflows/reporter.ts'
import { textOf } from '../backup-options.ts'
import type { Command, CommandContext } from '../command.ts'
import { isRepository, refuseRepositoryOptions, verifyRepository } from '../verify-repository.ts'
import { withWaitOption } from '../wait-option.ts'

const verdictCodes: Record<Verdict, number> = { valid: 0, incomplete: exitCodes.incomplete, damaged: exitCodes.damaged, unverifiable: exitCodes.unverifiable, 'not an image': exitCodes.unverifiable }

export const verifyCommand: Command = {
  usage: 'verify [target] [container]',
  summary: 'Check the repository, a backup, or a file of docker save: every hash and every size',
  examples: [
    ['dray verify image.tar', 'also .tar.gz, .tar.zst, .tar.xz and .tar.bz2'],
    ['docker save web:1 | dray verify -', 'as it is made'],
    ['dray verify ./layout', 'an OCI image layout'],
    ['dray verify', 'the whole repository'],
    ['dray verify latest web --deep', 'a backup: everything is unpacked and compared'],
    ['dray verify --sample 5%', 'a part of a large repository, another one every time'],
  ],
  isSilentWhenWell: true,
  options: yargs => withWaitOption(yargs)
    .positional('target', { type: 'string', describe: 'a file, "-" for stdin, a directory, or a backup: its id, the beginning of one, or "latest" (default: the whole repository)' })
    .positional('container', { type: 'string', describe: 'for "latest": of this container' })
    .option('quick', { type: 'boolean', default: false, describe: 'only that everything is there with its size' })
    .option('deep', { type: 'boolean', default: false, describe: 'unpack everything, and compare it with the tables of contents' })
    .option('sample', { type: 'string', describe: 'read only a random share of the data: 5%' })
    .option('no-repair', { type: 'boolean', default: false, describe: 'leave bad blobs where they are, instead of moving them aside' }),
  run: async (args, context) => {
    const target = textOf(args['target'])
    const container = textOf(args['container'])
    if (target === undefined) return await verifyRepository(args, context, {})
    if (target !== '-' && !(await isHere(target))) return await verifyRepository(args, context, { backup: target, ...(container === undefined ? {} : { container }) })
    if (container !== undefined) throw new DrayError('usage', `unknown argument "${container}"`, { hints: ['dray verify --help'] })
    if (target !== '-' && (await isRepository(target))) return await verifyRepository(args, context, { directory: target })
    refuseRepositoryOptions(args)
    const below = target === '-' ? undefined : await repositoryBelow(target).catch(() => undefined)
    const report = await check(target, context)
    return {
      text: [describeImageReport(target === '-' ? 'what came' : target, report, context.width, { withNotes: context.globals.verbose }), ...(below === undefined || report.verdict === 'valid' ? [] : [`a repository lies in it: dray verify ${below}`])].join('\n'),
      json: { target, ...report, ...(below === undefined ? {} : { repository: below }) },
      exitCode: verdictCodes[report.verdict],
    }
  },
}

/** What cannot be looked at is there: reading it says why. */
async function isHere(path: string): Promise<boolean> {
  return await stat(path).then(() => true, (thrown: unknown) => !['ENOENT', 'ENOTDIR'].includes(errnoOf(thrown) ?? ''))
}

async function check(target: string, { reporter, signal }: CommandContext): Promise<ImageReport> {
  const watching = (transfer: Transfer): Watching => ({ signal, onRead: bytes => transfer.add(bytes) })
  if (target === '-') {
    if (process.stdin.isTTY) throw new DrayError('usage', 'there is nothing on stdin to verify', { hints: ['docker save IMAGE | dray verify -', 'dray verify FILE'] })
    return await whileTransferring(reporter, 'stdin', transfer => checkImageArchive(process.stdin as AsyncIterable<Buffer>, watching(transfer)))
  }
  const found = await stat(target).catch((thrown: unknown) => {
    throw errnoOf(thrown) === 'ENOENT' ? new DrayError('not-found', `there is no file or directory "${target}"`, { hints: ['look for the right name with ls'] }) : fromSystemError(thrown, 'cannot open', target)
  })
  if (found.isDirectory()) return await whileTransferring(reporter, target, transfer => checkImageDirectory(target, watching(transfer)))
  return await whileTransferring(reporter, target, transfer => checkImageFile(target, watching(transfer)), found.isFile() ? found.size : undefined)
}
