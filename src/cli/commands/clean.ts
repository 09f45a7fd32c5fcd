import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { printable } from '../../ui/format.ts'
import { describeForeign, describeTemporary, findTemporaries, removeTemporaries } from '../../workflows/clean-temporaries.ts'
import { cleanDeadRuns, forgetRun, listDeadRuns, type LeftOver } from '../../workflows/clean.ts'
import { restoreData } from '../../workflows/steps/restore-data.ts'
import { cleanKept, keptNames, listKept } from '../../workflows/kept.ts'
import { requireYes } from '../ask.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { withRun } from '../run-command.ts'

export const cleanCommand: Command = {
  usage: 'clean',
  summary: 'Put right what killed runs left: frozen containers, half-made things',
  examples: [
    ['dray clean', 'put everything right that can be'],
    ['dray clean --dry-run', 'only list it'],
    ['dray clean --kept', 'remove the containers that a restore or an upgrade has replaced'],
    ['dray clean --undo RUN', 'take a run back that is left because its container works, or because it was in another container'],
    ['dray clean --forget RUN', 'drop what that run noted, for example of an engine that is gone for good'],
  ],
  isSilentWhenWell: true,
  options: yargs => yargs
    .option('kept', { type: 'boolean', default: false, describe: 'remove what is kept of replaced containers and of drills; backups stay' })
    .option('undo', { type: 'string', describe: 'take a killed run back although its container has run for long, or nothing shows here that it is dead' })
    .option('forget', { type: 'string', describe: 'forget a run\'s notes and touch nothing that they name' }),
  run: async (args, context) => {
    const folder = context.journalFolder
    const forget = args['forget']
    const undo = args['undo']
    if (args['kept'] === true) return await removeKept(context)
    if (typeof forget === 'string') {
      if (context.globals.dryRun) return listed((await listDeadRuns(folder)).filter(({ run }) => run === forget), 'would forget')
      const forgotten = await forgetRun(folder, forget)
      return { text: forgotten.map(what => `forgotten: ${printable(what)}`).join('\n'), json: { forgotten } }
    }
    if (typeof undo === 'string') await requireDead(context, undo)
    const engines = new Set<Engine>()
    const connect = async (address?: string): Promise<Engine> => {
      const engine = await (address === undefined ? context.connect() : context.connect(address, 'the notes of an earlier run'))
      engines.add(engine)
      return engine
    }
    await connectToOwn(context, connect)
    if (context.globals.dryRun) {
      const temporaries = await Promise.all([...engines].map(engine => findTemporaries(engine, context.signal)))
      return listed([...(await listDeadRuns(folder)), ...temporaries.flatMap(({ dead }) => dead).map(each => ({ run: each.run, what: describeTemporary(each), problem: 'made by a killed run' }))], 'would put right')
    }
    const report = await cleanDeadRuns({ folder, connect, restoreData: restoreData({ id: 'clean' }, { isLater: true }), signal: context.signal, command: context.commandLine, ...(typeof undo === 'string' ? { unspared: undo } : {}) })
    const [settled, left, foreign] = [[...report.settled], [...report.left], [] as string[]]
    for (const engine of engines) {
      const removed = await removeTemporaries(engine, context.signal)
      settled.push(...removed.settled)
      left.push(...removed.left)
      foreign.push(...removed.foreign.map(describeForeign))
    }
    const lines = [
      ...settled,
      ...left.map(({ run, what, problem }) => `left: ${what}: ${problem} (run ${run})`),
      ...foreign.map(what => `not touched: ${what}`),
      ...(settled.length + left.length === 0 ? ['nothing is left of earlier runs'] : []),
    ]
    return { text: lines.map(printable).join('\n'), json: { settled, left, foreign }, exitCode: left.length === 0 ? 0 : exitCodes.incomplete }
  },
}

async function requireDead(context: CommandContext, run: string): Promise<void> {
  const left = (await listDeadRuns(context.journalFolder)).filter(each => each.run === run)
  if (left.length === 0) throw new DrayError('not-found', `no killed run "${run}" has left anything`, { hints: ['dray clean --dry-run lists the runs'] })
  if (!context.globals.dryRun) await requireYes(context, `take run "${run}" back, which has ended, and remove what containers that it made have written?`)
}

/** An engine that is named has to answer; without one the journals say where runs were at work. */
async function connectToOwn({ globals, reporter }: CommandContext, connect: () => Promise<Engine>): Promise<void> {
  try {
    await connect()
  } catch (thrown) {
    if (globals.host !== undefined || !(thrown instanceof DrayError) || thrown.code !== 'engine-unreachable') throw thrown
    reporter.note(`what killed runs made for the moment was not looked for: ${thrown.message}`)
  }
}

/** After this nothing takes those runs back but a restore of the backups that they made. */
async function removeKept(context: CommandContext): Promise<CommandResult> {
  const records = await listKept(context.journalFolder)
  const names = records.flatMap(keptNames)
  if (names.length === 0) return { text: 'nothing is kept', json: { removed: [], left: [] } }
  if (context.globals.dryRun) return { text: names.map(name => `would remove: container "${name}"`).join('\n'), json: { removed: names, left: [] } }
  await requireYes(context, `remove ${names.map(name => `"${name}"`).join(', ')} for good?`)
  return await withRun(context, async run => {
    const { removed, left } = await cleanKept(run, records, address => context.connect(address, 'the record of the run'))
    const lines = [...removed.map(name => `removed: container "${name}"`), ...left.map(({ name, problem }) => `left: container "${name}": ${problem}`)]
    return { text: lines.map(printable).join('\n'), json: { removed, left }, exitCode: left.length === 0 ? 0 : exitCodes.incomplete }
  })
}

function listed(found: readonly LeftOver[], verb: string): CommandResult {
  const lines = found.length === 0 ? ['nothing is left of earlier runs'] : found.map(({ run, what, problem }) => printable(`${verb}: ${what} (${problem}, run ${run})`))
  return { text: lines.join('\n'), json: { left: found } }
}
