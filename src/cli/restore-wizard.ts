/** `dray restore` for somebody who has a terminal and no idea what to type. Nothing is changed by it: it ends in a command line. */
import { join } from 'node:path'
import { DrayError } from '../errors/dray-error.ts'
import { listBackups } from '../store/backup-list.ts'
import { findHurt } from '../store/hurt-backups.ts'
import { askRepository } from '../ui/wizard/ask-repository.ts'
import type { Point } from '../ui/wizard/ask-point.ts'
import { back, tell, type Back } from '../ui/wizard/questions.ts'
import type { CommandContext } from './command.ts'
import { stateFolder } from './command-resources.ts'
import { isThere, readRecent } from './recent-repositories.ts'
import { choosingFiles, extractsOf, type ExtractArgs } from './wizard/choose-files.ts'
import { choosingWhat } from './wizard/choose-what.ts'
import { lineOf, type RestoreLine } from './wizard/restore-line.ts'
import { settling } from './wizard/settle.ts'
import { walk } from './wizard/walk.ts'
import type { State } from './wizard/wizard-state.ts'

/** A restore to be done, or written down as a plan; or files to be taken out. `context` is the one with the repository that was chosen. */
export type Outcome = { readonly context: CommandContext } & ({ readonly line: RestoreLine; readonly planOut?: string } | { readonly extracts: readonly ExtractArgs[] })

/** Throws `interrupted` when it is left, and `not-found` where there is nothing to restore. */
export async function runRestoreWizard(args: Record<string, unknown>, given: CommandContext): Promise<Outcome> {
  for (;;) {
    const { context, asked } = await chooseRepository(given)
    const outcome = await askWithin(args, context, asked)
    if (outcome !== back) return outcome
    if (!asked) throw new DrayError('interrupted', 'nothing was changed')
  }
}

/** `asked`: another repository can be chosen. */
async function askWithin(args: Record<string, unknown>, context: CommandContext, asked: boolean): Promise<Outcome | Back> {
  await using repository = await context.openRepository({ create: false })
  const backups = (await listBackups(repository)).filter(({ containers }) => containers.length > 0)
  if (backups.length === 0) {
    const text = `there is no backup of a container in "${repository.path}"`
    if (!asked) throw new DrayError('not-found', text, { hints: ['name another repository with --repo', 'dray list shows what there is'] })
    tell([text])
    return back
  }
  const hurt = await findHurt(repository, backups)
  const points = backups.map((backup): Point => ({ ...backup, hurt: hurt.has(backup.id) }))
  const end = await walk<State>([...choosingWhat(context, repository, points), ...choosingFiles(context, repository), ...settling(context, repository)], { line: lineOf(args), plans: [] })
  if (end === back) return back
  if (end.part !== undefined) return { context, extracts: extractsOf(end) }
  return { context, line: end.line, ...(end.planOut === undefined ? {} : { planOut: end.planOut }) }
}

/** The one that is named; else the usual one, or one of those that were used before, by a question where there are several. */
async function chooseRepository(context: CommandContext): Promise<{ readonly context: CommandContext; readonly asked: boolean }> {
  const { globals, env, signal } = context
  if (globals.isRepoGiven) return { context, asked: false }
  const known = [...new Set([...((await isThere(globals.repo)) ? [globals.repo] : []), ...(await readRecent(join(stateFolder(env), recentFile)))])]
  const [only, another] = known
  const asked = only === undefined || another !== undefined
  const path = asked ? await askRepository(signal, known, isThere) : only
  if (path === back) throw new DrayError('interrupted', 'nothing was changed')
  if (path === globals.repo) return { context, asked }
  return { asked, context: { ...context, globals: { ...globals, repo: path, isRepoGiven: true }, openRepository: options => context.openRepository({ path, ...options }) } }
}

/** In the folder of facts about runs. */
export const recentFile = 'repositories'
