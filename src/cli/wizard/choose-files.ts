/** Single files: which, where to, and whether. */
import { posix } from 'node:path'
import { quoteForShell } from '../../engine/shell-quote.ts'
import type { Repository } from '../../store/repository.ts'
import { askFiles } from '../../ui/wizard/ask-files.ts'
import { askFilesTarget } from '../../ui/wizard/ask-target.ts'
import { back, confirm, tell, tellCommand, tellWhenLate } from '../../ui/wizard/questions.ts'
import { lookIntoWhatIsLeft } from '../../workflows/look/find-place.ts'
import { findContainer } from '../../workflows/steps/check-target.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { CommandContext } from '../command.ts'
import { browseMount } from './look-around.ts'
import { globalWords } from './restore-line.ts'
import type { Step } from './walk.ts'
import { known, type State } from './wizard-state.ts'

/** One command line of `extract`, by the names of its options. */
export type ExtractArgs = { readonly place: readonly string[]; readonly output?: string; readonly into?: string; readonly force: boolean; readonly skipDamaged: boolean }

export function choosingFiles(context: CommandContext, repository: Repository): Step<State>[] {
  const { signal, globals } = context
  const marks = new Map<string, Set<string>>()
  return [
    async state => {
      if (state.part === undefined) return { state, asked: false }
      const { point, line } = known(state)
      const marked = marks.get(`${point.id}:${state.part.name}`) ?? new Set<string>()
      marks.set(`${point.id}:${state.part.name}`, marked)
      const looked = await lookIntoWhatIsLeft({ repository, container: line.container[0], warn: () => undefined }, point.id)
      try {
        const files = await askFiles(signal, state.part.label, await browseMount(repository, looked, state.part.name), marked)
        return files === back ? back : { state: { ...state, files }, asked: true }
      } catch (thrown) {
        if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
        tell(['', thrown.message, ...thrown.hints])
        return back
      }
    },
    async state => {
      if (state.part === undefined) return { state, asked: false }
      const target = await askFilesTarget(signal, { folder: `./${posix.basename(state.part.name)}-restored`, into: await tellWhenLate(`waiting for ${globals.host ?? 'the engine'} …`, placeInContainer(context, state)) })
      return target === back ? back : { state: { ...state, target }, asked: true }
    },
  ]
}

/** Shows what would be done, and asks whether to. */
export function confirmingFiles(context: CommandContext): Step<State>[] {
  const { signal, globals } = context
  return [
    async state => {
      if (state.part === undefined || globals.dryRun) return { state, asked: false }
      const commands = extractsOf(state)
      tell(['', ...commands.flatMap(({ place }) => place.map(each => `takes      ${each}`)), commands[0]?.into === undefined ? `puts them  into the folder "${commands[0]?.output ?? ''}"` : `puts them  into ${commands.map(({ into }) => into).join(', ')}, over what is there`, 'in a script:'])
      for (const each of commands) tellCommand(extractCommand(each, context))
      tell([''])
      const goes = await confirm(signal, 'Take them out?', commands[0]?.into === undefined)
      if (goes === back) return back
      return { state: goes ? state : { ...state, isDeclined: true }, asked: true }
    },
  ]
}

/** One for each folder that they came from, where they go back to it. */
export function extractsOf({ line, part, files = [], target }: State): ExtractArgs[] {
  if (part === undefined || target === undefined) return []
  const placeOf = (path: string): string => `${line.backup}:${part.name}${path === '' ? '' : `${part.name === '/' ? '' : '/'}${path}`}`
  const { skipDamaged } = line
  if ('output' in target) return [{ place: files.map(placeOf), output: target.output, force: false, skipDamaged }]
  const folders = [...new Set(files.map(folderOf))]
  return folders.map(folder => ({ place: files.filter(path => folderOf(path) === folder).map(placeOf), into: folder === '' ? target.into : `${target.into.replace(/\/$/, '')}/${folder}`, force: true, skipDamaged }))
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
}

/** Words that are quoted for a shell. */
function extractCommand({ place, output, into, force, skipDamaged }: ExtractArgs, { globals }: CommandContext): string[] {
  return [...globalWords(globals), 'extract', ...place, ...(output === undefined ? [] : ['-o', output]), ...(into === undefined ? [] : ['--into', into]), ...(force ? ['--force'] : []), ...(skipDamaged ? ['--skip-damaged'] : [])].map(quoteForShell)
}

/** CONTAINER:/PATH where the part is mounted now; undefined where that cannot be, or the engine does not answer. */
async function placeInContainer(context: CommandContext, state: State): Promise<string | undefined> {
  const { subject: { kind, name } } = known(state)
  if (kind !== 'container') return undefined
  try {
    const found = await findContainer(await context.connect(), name, context.signal)
    const mount = found?.Mounts.find(({ Name, Source, Destination }) => [Name, Source, Destination].includes(state.part?.name))
    return mount === undefined ? undefined : `${name}:${mount.Destination}`
  } catch (thrown) {
    context.signal.throwIfAborted()
    if (!(thrown instanceof DrayError)) throw thrown
    return undefined
  }
}
