/** `dray restore` for somebody who has a terminal and no idea what to type. Nothing is changed by it: it ends in a command line. */
import { join } from 'node:path'
import { DrayError } from '../errors/dray-error.ts'
import { listBackups } from '../store/backup-list.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import { findHurt } from '../store/hurt-backups.ts'
import type { Repository } from '../store/repository.ts'
import { askRepository } from '../ui/wizard/ask-repository.ts'
import type { Point } from '../ui/wizard/ask-point.ts'
import { askAboutDamage } from '../ui/wizard/ask-remedy.ts'
import { back, tell, tellWhenLate, type Back } from '../ui/wizard/questions.ts'
import type { CommandContext } from './command.ts'
import { stateFolder } from './command-resources.ts'
import { isThere, readRecent } from './recent-repositories.ts'
import { choosingFiles, confirmingFiles, extractsOf, type ExtractArgs } from './wizard/choose-files.ts'
import { choosingWhat } from './wizard/choose-what.ts'
import { lineOf, withRemedy, type RestoreLine } from './wizard/restore-line.ts'
import { settling } from './wizard/settle.ts'
import { walk, type Step } from './wizard/walk.ts'
import type { State } from './wizard/wizard-state.ts'

/** A restore to be done, or written down as a plan; files to be taken out; or nothing. `context` is the one with the repository that was chosen. */
export type Outcome = { readonly context: CommandContext } & ({ readonly line: RestoreLine; readonly planOut?: string } | { readonly extracts: readonly ExtractArgs[] } | { readonly isDeclined: true })

type Asked = { readonly outcome: Outcome; readonly state: State }

/**
 * Asks, and has done what the answers make. When the backup turns out to be damaged on the way, which leaves nothing done, it asks
 * about that. Throws `interrupted` when it is left, `not-found` where there is nothing to restore, and what `carryOut` throws.
 */
export async function runRestoreWizard<Result>(args: Record<string, unknown>, given: CommandContext, carryOut: (outcome: Outcome) => Promise<Result>): Promise<Result> {
  let asked = await askAll(args, given)
  for (;;) {
    try {
      return await carryOut(asked.outcome)
    } catch (thrown) {
      if (asked.state.line.skipDamaged || !isDamage(thrown)) throw thrown
      asked = await askForTheRest(asked, thrown) ?? await askAll(args, given)
    }
  }
}

/** Also when it was found while something was made, all of which is removed again. */
function isDamage(thrown: unknown): thrown is DrayError {
  return thrown instanceof DrayError && (thrown.code === 'damaged' || (thrown.code === 'rolled-back' && isDamage(thrown.cause)))
}

async function askAll(args: Record<string, unknown>, given: CommandContext): Promise<Asked> {
  for (let mayBeOnly = true; ; mayBeOnly = false) {
    const { context, asked } = await chooseRepository(given, mayBeOnly)
    const answered = await askWithin(args, context, asked)
    if (answered !== back) return answered
    if (!asked) throw new DrayError('interrupted', 'nothing was changed')
  }
}

/** What is left of a damaged backup; undefined for another one. */
async function askForTheRest({ outcome: { context }, state }: Asked, damage: DrayError): Promise<Asked | undefined> {
  await using repository = await context.openRepository({ create: false })
  context.rest()
  const askFirst: Step<State> = async before => {
    const remedy = await askAboutDamage(context.signal, damage, { question: 'The backup is damaged, and everything is as it was before. What now?', isSomethingLeft: true })
    return remedy === back ? back : { state: { ...before, line: withRemedy(before.line, remedy) }, asked: true }
  }
  const end = await walk<State>([askFirst, ...confirmingFiles(context), ...settling(context, repository)], state)
  return end === back ? undefined : { outcome: outcomeOf(end, context), state: end }
}

/** `asked`: another repository can be chosen. */
async function askWithin(args: Record<string, unknown>, context: CommandContext, asked: boolean): Promise<Asked | Back> {
  const opened = await tellWhenLate(`waiting for ${context.globals.repo} …`, open(context)).catch((thrown: unknown) => {
    if (!asked || context.signal.aborted || !(thrown instanceof DrayError)) throw thrown
    tell(['', thrown.message, ...thrown.hints])
  })
  if (opened === undefined) return back
  await using repository = opened.repository
  const { backups } = opened
  if (backups.length === 0) {
    const text = `there is no backup of a container in "${repository.path}"`
    if (!asked) throw new DrayError('not-found', text, { hints: ['name another repository with --repo', 'dray list shows what there is'] })
    tell([text])
    return back
  }
  const hurt = await findHurt(repository, backups)
  const points = backups.map((backup): Point => ({ ...backup, hurt: hurt.has(backup.id) }))
  const end = await walk<State>([...choosingWhat(context, repository, points), ...choosingFiles(context, repository), ...confirmingFiles(context), ...settling(context, repository)], { line: lineOf(args), plans: [] })
  return end === back ? back : { outcome: outcomeOf(end, context), state: end }
}

async function open(context: CommandContext): Promise<{ readonly repository: Repository; readonly backups: readonly BackupSummary[] }> {
  const repository = await context.openRepository({ create: false })
  return { repository, backups: (await listBackups(repository)).filter(({ containers }) => containers.length > 0) }
}

function outcomeOf(end: State, context: CommandContext): Outcome {
  if (end.isDeclined) return { context, isDeclined: true }
  if (end.part !== undefined) return { context, extracts: extractsOf(end) }
  return { context, line: end.line, ...(end.planOut === undefined ? {} : { planOut: end.planOut }) }
}

/** The one that is named; else the usual one, or one of those that were used before, by a question where there are several, or it was left (not `mayBeOnly`). */
async function chooseRepository(context: CommandContext, mayBeOnly: boolean): Promise<{ readonly context: CommandContext; readonly asked: boolean }> {
  const { globals, env, signal } = context
  if (globals.isRepoGiven) return { context, asked: false }
  const known = [...new Set([...((await isThere(globals.repo)) ? [globals.repo] : []), ...(await readRecent(join(stateFolder(env), recentFile)))])]
  const [only, another] = known
  const asked = only === undefined || another !== undefined || !mayBeOnly
  const path = asked ? await askRepository(signal, known, isThere) : only
  if (path === back) throw new DrayError('interrupted', 'nothing was changed')
  if (path === globals.repo) return { context, asked }
  return { asked, context: { ...context, globals: { ...globals, repo: path, isRepoGiven: true }, openRepository: options => context.openRepository({ path, ...options }) } }
}

/** In the folder of facts about runs. */
export const recentFile = 'repositories'
