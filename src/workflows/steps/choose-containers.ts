import picomatch from 'picomatch'
import type { ContainerSummary, Engine } from '../../engine/engine.ts'
import { noContainer } from '../../engine/spec/record-container.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { didYouMean } from '../../errors/similar-name.ts'
import { backupLabel } from '../container-labels.ts'
import { isKeptName } from './kept-name.ts'
import { isTemporaryContainer, nameOfSummary } from './running-containers.ts'

/** What was asked for: the sum of it is chosen. */
export type Selection = {
  /** Names, ids, the beginnings of ids, or globs of names. */
  readonly names: readonly string[]
  readonly all: boolean
  /** Compose projects. */
  readonly projects: readonly string[]
  /** `KEY`, or `KEY=VALUE`. */
  readonly labels: readonly string[]
  /** Names, or globs of them, of containers that are left out. */
  readonly except?: readonly string[]
}

/** `container` is what was asked for, as it was written; `what` says it in words: `container "web"`. */
export type Failed = { readonly container: string; readonly what: string; readonly error: DrayError }

export type Chosen = {
  readonly chosen: readonly ContainerSummary[]
  /** What fits nothing. */
  readonly failed: readonly Failed[]
  /** Names of those that are left out because of their label `dray.backup=false`. */
  readonly unwanted: readonly string[]
}

export const projectLabel = 'com.docker.compose.project'
const mostNamed = 10

/**
 * The containers of the engine that a selection means, each once. One with the label `dray.backup=false` is only taken when its
 * name or id is given, unless the label is not heeded: it is about backups; and so is one that is kept because another took its place. What fits nothing is in `failed`; when nothing at all is chosen the first of that is thrown, `not-found`.
 */
export async function chooseContainers(engine: Engine, { names, all, projects, labels, except = [] }: Selection, signal: AbortSignal, { heedsLabel = true } = {}): Promise<Chosen> {
  const present = (await engine.containers.list(undefined, { signal })).filter(each => !isTemporaryContainer(each)).sort((one, other) => (nameOfSummary(one) < nameOfSummary(other) ? -1 : 1))
  const chosen = new Map<string, ContainerSummary>()
  const unwanted = new Set<string>()
  const failed: Failed[] = []
  const takeAll = (found: readonly ContainerSummary[]): void => {
    for (const each of found) {
      if (heedsLabel && isKeptName(nameOfSummary(each))) continue
      if (!heedsLabel || isWanted(each)) chosen.set(each.Id, each)
      else unwanted.add(nameOfSummary(each))
    }
  }
  const takeOr = (kind: string, asked: string, found: readonly ContainerSummary[], otherwise: () => DrayError): void => {
    if (found.length === 0) failed.push({ container: asked, what: `${kind} "${asked}"`, error: otherwise() })
    else takeAll(found)
  }
  for (const project of projects) takeOr('project', project, present.filter(({ Labels }) => Labels?.[projectLabel] === project), () => noProject(engine, project, present))
  for (const label of labels) takeOr('label', label, present.filter(each => hasLabel(each, label)), () => noneFits(engine, `has the label ${label}`, present))
  for (const name of names) {
    const exact = findContainer(present, name)
    if (exact !== undefined) chosen.set(exact.Id, exact)
    else if (picomatch.scan(name).isGlob) takeOr('container', name, present.filter(each => picomatch.isMatch(nameOfSummary(each), name)), () => noneFits(engine, `has a name that fits "${name}"`, present))
    else takeOr('container', name, [], () => noContainer(engine, name, present.map(nameOfSummary)))
  }
  if (all) takeAll(present)
  for (const each of chosen.values()) if (except.some(pattern => isNamedBy(each, pattern))) chosen.delete(each.Id)
  const left = [...unwanted].filter(name => ![...chosen.values()].some(each => nameOfSummary(each) === name))
  if (chosen.size > 0 || (failed.length > 0 && names.length + projects.length + labels.length > 1)) return { chosen: [...chosen.values()], failed, unwanted: left }
  throw failed[0]?.error ?? nothingThere(engine, left)
}

/** By its name, or a glob of it. */
export function isNamedBy(container: ContainerSummary, pattern: string): boolean {
  return nameOfSummary(container) === pattern || picomatch.isMatch(nameOfSummary(container), pattern)
}

function isWanted({ Labels }: ContainerSummary): boolean {
  return Labels?.[backupLabel] !== 'false'
}

function hasLabel({ Labels }: ContainerSummary, wanted: string): boolean {
  const at = wanted.indexOf('=')
  return at < 0 ? Labels?.[wanted] !== undefined : Labels?.[wanted.slice(0, at)] === wanted.slice(at + 1)
}

/** As engines find it: a name, an id, or the beginning of only one id. */
function findContainer(present: readonly ContainerSummary[], reference: string): ContainerSummary | undefined {
  const name = reference.replace(/^\//, '')
  const exact = present.find(({ Names, Id }) => Names.includes(`/${name}`) || Id === name)
  if (exact !== undefined || !/^[0-9a-f]+$/.test(name)) return exact
  const [first, ...others] = present.filter(({ Id }) => Id.startsWith(name))
  return others.length === 0 ? first : undefined
}

function noProject({ address }: Engine, project: string, present: readonly ContainerSummary[]): DrayError {
  const projects = [...new Set(present.flatMap(({ Labels }) => Labels?.[projectLabel] ?? []))].sort()
  return new DrayError('not-found', `there is no container of a project "${project}" on "${address}"`, { hints: [...didYouMean(project, projects), projects.length === 0 ? 'no container there belongs to a project: dray backup --all takes all of them' : `its projects: ${projects.join(', ')}`] })
}

function noneFits({ address }: Engine, what: string, present: readonly ContainerSummary[]): DrayError {
  const names = present.map(nameOfSummary)
  const there = names.length === 0 ? 'there is no container at all' : `its containers: ${names.slice(0, mostNamed).join(', ')}${names.length > mostNamed ? ` and ${names.length - mostNamed} more` : ''}`
  return new DrayError('not-found', `no container on "${address}" ${what}`, { hints: [there] })
}

function nothingThere({ address }: Engine, unwanted: readonly string[]): DrayError {
  const hint = unwanted.length === 0 ? 'docker ps -a shows the containers; another engine is chosen with --host' : `left out by their label ${backupLabel}=false: ${unwanted.join(', ')}; to take one all the same, name it`
  return new DrayError('not-found', `there is no container on "${address}" to choose`, { hints: [hint] })
}
