import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { quoteForShell } from '../../engine/shell-quote.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../../errors/system-error.ts'
import { writeFileAtomically } from '../../files/atomic-file.ts'
import { draftRestore } from '../../workflows/restore.ts'
import type { CommandContext, CommandResult } from '../command.ts'
import { lockRepository } from '../repository-lock.ts'
import type { RestoreWish } from '../restore-wish.ts'
import { withRun } from '../run-command.ts'
import { readVersion } from '../version.ts'
import { planText } from './write-plan.ts'

const stdoutName = '-'

/** Changes nothing but the file. What stands in the way is a warning and a comment in it: the plan is there to be changed. What somebody may have edited is replaced with --yes only. */
export async function writePlanFile({ wanted, options, to }: RestoreWish, file: string, context: CommandContext): Promise<CommandResult> {
  const isOut = file === stdoutName
  if (isOut && context.globals.json) throw new DrayError('usage', 'with --plan-out - the plan itself goes to stdout: there is no place for --json', { hints: ['name a file: --plan-out FILE.yaml'] })
  if (!isOut && !context.globals.yes) await checkAbsent(file)
  const engine = await context.connect(to.host, to.from)
  return await withRun(context, async run => {
    await using repository = await context.openRepository({ create: false })
    await using lock = await lockRepository(context, repository, 'shared')
    const version = readVersion()
    const { restoring, obstacles } = await draftRestore({ run, engine, repository, lock, wanted, options, version })
    const text = planText({ restoring, obstacles, options, repository: repository.path, target: engine.address, version, command: `dray restore --plan ${isOut ? 'FILE' : quoteForShell(file)}` })
    const inTheWay = [...new Set(obstacles.map(each => each.text))]
    for (const each of inTheWay) context.reporter.warn(`in the way: ${each}`)
    if (isOut) return { text: text.trimEnd(), json: {} }
    await writeFileAtomically(resolve(file), text)
    context.reporter.note(`the plan of ${restoring.map(({ plan }) => `"${plan.name}"`).join(', ')} is in "${file}"; do it with: dray restore --plan ${quoteForShell(file)}`)
    const json = { plan: resolve(file), target: engine.address, containers: restoring.map(({ stored, spec, plan }) => ({ container: nameOf(spec.inspect), name: plan.name, backup: stored.backup.id })), inTheWay }
    return { text: file, json }
  }, { changesNothing: true })
}

/** Somebody may have edited it. */
async function checkAbsent(file: string): Promise<void> {
  const found = await stat(file).catch((thrown: unknown) => {
    if (errnoOf(thrown) !== 'ENOENT') throw fromSystemError(thrown, 'cannot write', file)
    return undefined
  })
  if (found !== undefined && !(found.isFile() && found.size === 0)) throw new DrayError('conflict', `"${file}" is there already`, { hints: ['name another file', `write over it: --yes`] })
}
