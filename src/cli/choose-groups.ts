import type { Argv } from 'yargs'
import type { ContainerSummary, Engine } from '../engine/engine.ts'
import { DrayError } from '../errors/dray-error.ts'
import { chooseContainers, isNamedBy, type Failed, type Selection } from '../workflows/steps/choose-containers.ts'
import { groupContainers } from '../workflows/steps/group-containers.ts'
import { checkPatterns, namedBy } from '../workflows/steps/plan-mounts.ts'
import { nameOfSummary } from '../workflows/steps/running-containers.ts'
import type { CommandContext } from './command.ts'

/** The containers that were asked for, in consistency groups, and what of it fits none. */
export type Groups = { readonly groups: readonly (readonly ContainerSummary[])[]; readonly failed: readonly Failed[] }

/** The options by which several containers are chosen. */
export function withSelection(yargs: Argv): Argv {
  return yargs
    .positional('container', { type: 'string', array: true, describe: 'names or ids of containers, or globs of names' })
    .option('all', { type: 'boolean', default: false, describe: 'all containers but those with the label dray.backup=false' })
    .option('project', { type: 'string', array: true, nargs: 1, default: [], describe: 'all containers of a compose project' })
    .option('label', { type: 'string', array: true, nargs: 1, default: [], describe: 'all containers with a label: KEY or KEY=VALUE' })
}

/** Throws `usage` for --all beside what is part of it. */
export function checkSelection(selection: Selection): Selection {
  if (selection.all && !isEmptySelection({ ...selection, all: false })) throw new DrayError('usage', '--all takes all containers: name none besides', { hints: ['a container is left out by its label dray.backup=false'] })
  return selection
}

export function isEmptySelection({ names, all, projects, labels }: Selection): boolean {
  return !all && names.length + projects.length + labels.length === 0
}

export type GroupChoices = { readonly selection: Selection; readonly include: readonly string[]; readonly exclude: readonly string[] }

/** What --exclude names is a mount of them, or else one of several containers. A mount that is named has to be one of the containers that are chosen. */
export async function chooseGroups({ reporter, signal }: CommandContext, engine: Engine, { selection, include, exclude }: GroupChoices): Promise<Groups> {
  if (isEmptySelection(selection)) return { groups: [], failed: [] }
  const { chosen, failed, unwanted } = await chooseContainers(engine, selection, signal)
  if (unwanted.length > 0) reporter.note(`left out by the label dray.backup=false: ${unwanted.join(', ')}`)
  const going = chosen.length < 2 ? [] : chosen.filter(each => exclude.some(pattern => isNamedBy(each, pattern) && !chosen.some(({ Mounts = [] }) => Mounts.some(mount => namedBy([pattern], mount)))))
  const staying = chosen.filter(each => !going.includes(each))
  if (going.length > 0) reporter.note(`left out, as asked: ${going.map(nameOfSummary).join(', ')}`)
  checkPatterns(staying.map(each => ({ name: nameOfSummary(each), mounts: each.Mounts ?? [] })), [...include, ...exclude.filter(pattern => !going.some(each => isNamedBy(each, pattern)))])
  if (staying.length === 0 && chosen.length > 0) throw new DrayError('not-found', 'every container that was chosen is left out by --exclude', { hints: ['docker ps -a shows the containers'] })
  return { groups: groupContainers(staying), failed }
}
