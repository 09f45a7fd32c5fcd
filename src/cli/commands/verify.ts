import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { DrayError } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { errnoOf, fromSystemError } from '../../errors/system-error.ts'
import { checkImageArchive, checkImageDirectory, type ImageReport, type Verdict } from '../../integrity/check-image-file.ts'
import { describeImageReport } from '../../ui/describe-image-report.ts'
import { whileTransferring, type Transfer } from '../../workflows/reporter.ts'
import { textOf } from '../backup-options.ts'
import type { Command, CommandContext } from '../command.ts'

const readBytes = 256 * 1024

const verdictCodes: Record<Verdict, number> = { valid: 0, incomplete: exitCodes.incomplete, damaged: exitCodes.damaged, unverifiable: exitCodes.unverifiable, 'not an image': exitCodes.unverifiable }

export const verifyCommand: Command = {
  usage: 'verify <target>',
  summary: 'Check a file of docker save, or a directory of images: every hash and every size',
  examples: [
    ['dray verify image.tar', 'also .tar.gz, .tar.zst, .tar.xz and .tar.bz2'],
    ['docker save web:1 | dray verify -', 'as it is made'],
    ['dray verify ./layout', 'an OCI image layout'],
  ],
  options: yargs => yargs.positional('target', { type: 'string', demandOption: true, describe: 'a file, "-" for stdin, or a directory' }),
  run: async (args, context) => {
    const target = textOf(args['target']) ?? ''
    const report = await check(target, context)
    return {
      text: describeImageReport(target === '-' ? 'what came' : target, report, context.width, { withNotes: context.globals.verbose }),
      json: { target, ...report },
      exitCode: verdictCodes[report.verdict],
    }
  },
}

async function check(target: string, { reporter, signal }: CommandContext): Promise<ImageReport> {
  if (target === '-') return await whileTransferring(reporter, 'stdin', transfer => checkImageArchive(counted(process.stdin, transfer), signal))
  const found = await stat(target).catch((thrown: unknown) => {
    throw errnoOf(thrown) === 'ENOENT' ? new DrayError('not-found', `there is no file or directory "${target}"`, { hints: ['a backup, or the whole repository, cannot be verified yet'] }) : fromSystemError(thrown, 'cannot open', target)
  })
  if (found.isDirectory()) return await whileTransferring(reporter, target, () => checkImageDirectory(target, signal))
  const stream = createReadStream(target, { highWaterMark: readBytes })
  return await whileTransferring(reporter, target, transfer => checkImageArchive(counted(stream, transfer), signal), found.size).catch((thrown: unknown) => {
    throw errnoOf(thrown) === undefined ? thrown : fromSystemError(thrown, 'cannot read', target)
  })
}

function counted(stream: Readable, transfer: Transfer): Readable {
  stream.on('data', (bytes: Buffer) => transfer.add(bytes.length))
  stream.pause()
  return stream
}
