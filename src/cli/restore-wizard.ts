/** `dray restore` for somebody who has a terminal and no idea what to type. Nothing is changed by it: it ends in a command line. */
import { quoteForShell } from '../engine/shell-quote.ts'
import { DrayError } from '../errors/dray-error.ts'
import { listBackups } from '../store/backup-list.ts'
import { replacedTag } from '../workflows/steps/choose-backup.ts'
import { findHurt } from '../store/hurt-backups.ts'
import { isLocal, type Repository } from '../store/repository.ts'
import { askExtent, type Part } from '../ui/wizard/ask-extent.ts'
import { askGo } from '../ui/wizard/ask-go.ts'
import { askPlace } from '../ui/wizard/ask-place.ts'
import { askPoint, type Point } from '../ui/wizard/ask-point.ts'
import { askAboutFailure, askRemedy } from '../ui/wizard/ask-remedy.ts'
import { askSubject, type Subject } from '../ui/wizard/ask-subject.ts'
import { back } from '../ui/wizard/questions.ts'
import { isHexName } from '../workflows/mount-description.ts'
import { ObstructedError } from '../workflows/obstacles.ts'
import { readStored } from '../workflows/steps/read-stored.ts'
import type { Restoring } from '../workflows/steps/share-mounts.ts'
import type { CommandContext } from './command.ts'
import { planLine } from './wizard/plan-line.ts'
import { commandLineOf, globalWords, lineOf, withRemedy, type RestoreLine } from './wizard/restore-line.ts'
import { backupsOf, subjectsOf } from './wizard/subjects.ts'
import { walk, type Step } from './wizard/walk.ts'

/** A restore to be done, or commands to be shown for what is none. */
export type Outcome = { readonly line: RestoreLine } | { readonly commands: readonly string[] }

type State = { readonly line: RestoreLine; readonly subject?: Subject; readonly point?: Point; readonly plans: readonly Restoring[]; readonly commands?: readonly string[] }

/** Throws `interrupted` when it is left, and `not-found` where there is nothing to restore. */
export async function runRestoreWizard(args: Record<string, unknown>, context: CommandContext): Promise<Outcome> {
  await using repository = await context.openRepository({ create: false })
  const backups = (await listBackups(repository)).filter(({ containers }) => containers.length > 0)
  if (backups.length === 0) throw new DrayError('not-found', `there is no backup of a container in "${repository.path}"`, { hints: ['name another repository with --repo', 'dray list shows what there is'] })
  const hurt = await findHurt(repository, backups)
  const points = backups.map((backup): Point => ({ ...backup, hurt: hurt.has(backup.id) }))
  const end = await walk<State>([...choosing(context, repository, points), ...settling(context, repository)], { line: lineOf(args), plans: [] })
  if (end === back) throw new DrayError('interrupted', 'nothing was changed')
  return end.commands === undefined ? { line: end.line } : { commands: end.commands }
}

/** What, as of when, how much of it, where to. */
function choosing(context: CommandContext, repository: Repository, points: readonly Point[]): Step<State>[] {
  const { signal, width, globals } = context
  return [
    async state => {
      const subject = await askSubject(signal, subjectsOf(points.filter(({ tags }) => !tags.includes(replacedTag))))
      return subject === back ? back : { state: { ...state, subject }, asked: true }
    },
    async state => {
      const { subject, line } = known(state)
      const own = backupsOf(subject, points)
      const latest = own.find(({ lacks, hurt, tags }) => lacks.length === 0 && !hurt && !tags.includes(replacedTag))
      const point = await askPoint(signal, own, latest, width)
      return point === back ? back : { state: { ...state, point, line: { ...line, backup: point.id, container: subject.kind === 'container' ? [subject.name] : [] } }, asked: true }
    },
    async state => {
      const { line, point } = known(state)
      const extent = await askExtent(signal, () => partsOf(repository, point, line))
      if (extent === back) return back
      if ('keep' in extent) return { state: { ...state, line: { ...line, keep: [...line.keep, ...extent.keep] } }, asked: true }
      const dray = globalWords(globals).map(quoteForShell).join(' ')
      const commands = 'data' in extent ? dataCommands(dray, line, extent.data) : fileCommands(dray, line, await partsOf(repository, point, line))
      return { state: { ...state, commands }, asked: true }
    },
    async state => {
      const { line, subject } = known(state)
      if (state.commands !== undefined || line.to !== undefined) return { state, asked: false }
      const engine = globals.host ?? 'this engine'
      const place = await askPlace(signal, { engine, name: subject.name, isOne: subject.kind === 'container' })
      return place === back ? back : { state: { ...state, line: { ...line, ...place } }, asked: true }
    },
  ]
}

/** Looks whether all is well on the target, asks about one thing after the other until it is, and whether to go ahead. */
function settling(context: CommandContext, repository: Repository): Step<State>[] {
  const { signal, globals } = context
  return [
    async state => {
      if (state.commands !== undefined) return { state, asked: false }
      const { line } = state
      try {
        return { state: { ...state, plans: await planLine(context, repository, line) }, asked: false }
      } catch (thrown) {
        signal.throwIfAborted()
        const remedy = await remedyFor(signal, thrown, { mayReplace: isLocal(repository), line })
        return remedy === back ? back : { state: { ...state, line: withRemedy(line, remedy) }, asked: !('again' in remedy), again: true }
      }
    },
    async state => {
      if (state.commands !== undefined || globals.dryRun) return { state, asked: false }
      const { address } = await context.connect(state.line.to, '--to')
      const goes = await askGo(signal, state.plans, { target: address, commandLine: commandLineOf(state.line, globals), replaysDump: state.line.replayDump })
      if (goes === false) throw new DrayError('interrupted', 'nothing was changed')
      return goes === back ? back : { state, asked: true }
    },
  ]
}

async function remedyFor(signal: AbortSignal, thrown: unknown, { mayReplace, line }: { readonly mayReplace: boolean; readonly line: RestoreLine }): ReturnType<typeof askRemedy> {
  if (!(thrown instanceof DrayError)) throw thrown
  const [first] = thrown instanceof ObstructedError ? thrown.obstacles : []
  if (first !== undefined) return await askRemedy(signal, first, { mayReplace: mayReplace && !line.replace })
  return await askAboutFailure(signal, thrown.message, thrown.hints, thrown.code === 'damaged' && !line.skipDamaged)
}

/** The state as it is after the first questions. */
function known({ line, subject, point }: State): { readonly line: RestoreLine; readonly subject: Subject; readonly point: Point } {
  if (subject === undefined) throw new RangeError('nothing was chosen')
  return { line, subject, get point() {
    if (point === undefined) throw new RangeError('no backup was chosen')
    return point
  } }
}

async function partsOf(repository: Repository, point: Point, { container }: RestoreLine): Promise<Part[]> {
  const stored = await readStored(repository, point, container.length === 0 ? point.containers : container)
  const parts = stored.flatMap(({ mounts }) => mounts.map(({ described: { source, label, kind, dataBytes, destinations } }): Part => ({ name: isHexName(source) ? (destinations[0]?.path ?? source) : source, label, isVolume: kind === 'volume', bytes: dataBytes })))
  return [...new Map(parts.map(part => [part.name, part])).values()]
}

function dataCommands(dray: string, { backup }: RestoreLine, { name }: Part): string[] {
  const volume = quoteForShell(name)
  return [`${dray} volume restore ${backup} ${volume} --replace                 # in place; what is there is backed up first`, `${dray} volume restore ${backup} ${volume} --name ${quoteForShell(`${name}-restored`)}   # into a volume of its own`]
}

function fileCommands(dray: string, { backup }: RestoreLine, parts: readonly Part[]): string[] {
  return parts.flatMap(({ name }) => {
    const place = quoteForShell(`${backup}:${name}`)
    return [`${dray} ls -R ${place}             # what is there`, `${dray} extract ${place}/PATH -o FOLDER`]
  })
}
