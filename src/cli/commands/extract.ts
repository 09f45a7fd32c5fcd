import { resolve } from 'node:path'
import { DrayError } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { extractAll, sumOf, type ExtractReport } from '../../workflows/look/extract.ts'
import { containerFolder, localFolder, type FolderTools } from '../../workflows/look/folder-tools.ts'
import { selectAll, type Selection } from '../../workflows/look/selection.ts'
import { temporaryJournal } from '../../workflows/run.ts'
import { tidyUp } from '../../workflows/tidy-up.ts'
import type { LostEntry } from '../../workflows/steps/salvage-content.ts'
import { listOf, textOf } from '../backup-options.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { containerOption, lookJob, Places, whileReading } from '../look-options.ts'
import { withRun } from '../run-command.ts'

export const extractCommand: Command = {
  usage: 'extract <place..>',
  summary: 'Take files and folders out of a backup: into a folder, a volume of a container, or a tar on stdout',
  examples: [
    ['dray extract latest:data/conf -o /tmp/old', 'a folder of the volume "data", as /tmp/old/conf'],
    ['dray extract 20261121-0312:data -o ./data', 'all of a volume'],
    ['dray extract latest:data/conf --into web:/var/lib/app --force', 'back into a running container, over what is there'],
    ["dray extract 'latest:data/**/*.sql' -o - | tar --list", 'a tar on stdout'],
  ],
  options: yargs => containerOption(yargs
    .positional('place', { type: 'string', array: true, demandOption: true, describe: 'BACKUP:MOUNT[/PATH]; PATH may be a glob' })
    .option('output', { alias: 'o', type: 'string', describe: 'the folder to extract into, made if it is not there (default: this one); - for a tar on stdout' })
    .option('into', { type: 'string', describe: 'CONTAINER:/PATH: into a folder of a volume or bind mount of a container' })
    .option('force', { type: 'boolean', default: false, describe: 'replace files that are there; --yes does it too' })
    .option('skip-damaged', { type: 'boolean', default: false, describe: 'extract what is left of damaged data, and list what is missing' })),
  run: async (args, context) => {
    const output = textOf(args['output'])
    const into = textOf(args['into'])
    if (output !== undefined && into !== undefined) throw new DrayError('usage', 'either --output or --into', { hints: ['one command for each'] })
    if (output === '-' && context.globals.json) throw new DrayError('usage', 'the tar goes to stdout, which --json is for events', { hints: ['leave out --json, or name a folder'] })
    const [, container, path] = into === undefined ? [] : (/^([^:]+):(\/.*)$/.exec(into) ?? [])
    if (into !== undefined && (container === undefined || path === undefined)) throw new DrayError('usage', `"${into}" is not CONTAINER:/PATH`, { hints: ['a folder in a volume of a container: --into web:/var/lib/app'] })
    return await whileReading(context, async repository => {
      const places = new Places(lookJob(context, args, repository))
      const found = []
      for (const text of listOf(args['place'])) found.push(await places.open(text, 'extract'))
      const selections = await selectAll(found)
      for (const selection of selections) await (args['skipDamaged'] === true ? selection.findDamage() : selection.look())
      if (output === '-') return await writeTar(context, selections)
      if (context.globals.dryRun) return toResult({ ...sumOf(selections), problems: [], lost: [] }, into ?? output ?? '.', 'would extract')
      if (container === undefined || path === undefined) return await extract(context, selections, args, await localFolder(resolve(output ?? '.'), context.env), output ?? '.')
      const engine = await context.connect()
      return await withRun(context, async run => await tidyUp(run, engine, async () => await extract(context, selections, args, await containerFolder({ run, engine, container, path, temporary: temporaryJournal(run, engine) }), `${container}:${path}`)))
    })
  },
}

async function extract({ reporter, signal, globals }: CommandContext, selections: readonly Selection[], args: Record<string, unknown>, folder: FolderTools, where: string): Promise<CommandResult> {
  await using opened = folder
  try {
    const report = await extractAll({ ...opened, selections, force: args['force'] === true || globals.yes, reporter, signal })
    for (const line of [...report.problems, ...report.lost.map(sayLost)]) reporter.warn(line)
    return toResult(report, where, 'extracted')
  } catch (thrown) {
    await opened.undo()
    throw thrown
  }
}

async function writeTar({ output, reporter }: CommandContext, [selection, other]: readonly Selection[]): Promise<CommandResult> {
  if (selection === undefined || other !== undefined) throw new DrayError('usage', 'one tar is of one mount', { hints: ['extract the mounts one after the other'] })
  const lost: LostEntry[] = []
  for await (const bytes of selection.tar(entry => lost.push(entry))) await output.data(bytes)
  for (const each of lost) reporter.warn(sayLost(each))
  return { text: '', json: {}, exitCode: lost.length > 0 ? exitCodes.incomplete : 0 }
}

function toResult({ entries, bytes, problems, lost }: ExtractReport, into: string, did: string): CommandResult {
  const text = `${did} ${formatCount(entries, 'entry', 'entries')}, ${formatBytes(bytes)}, into ${into}`
  return { text, json: { into, entries, bytes, problems, lost }, exitCode: problems.length + lost.length > 0 ? exitCodes.incomplete : 0 }
}

function sayLost({ path, lost }: LostEntry): string {
  return `lost: "${path}": ${lost}`
}
