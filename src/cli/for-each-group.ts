import type { ContainerSummary } from '../engine/engine.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { ErrorCode } from '../errors/exit-codes.ts'
import { Slots } from '../store/slots.ts'
import type { Reporter } from '../workflows/reporter.ts'
import type { Failed } from '../workflows/steps/choose-containers.ts'
import { projectLabel } from '../workflows/steps/choose-containers.ts'
import { lanesOf } from '../workflows/steps/group-containers.ts'
import { nameOfSummary } from '../workflows/steps/running-containers.ts'
import type { Groups } from './choose-groups.ts'
import type { CommandContext } from './command.ts'

type Group = readonly ContainerSummary[]

export type GroupTurn<Made> = {
  readonly containers: Group
  /** Its place among the groups. */
  readonly at: number
  /** Names the group when there are several. */
  readonly reporter: Reporter
  /** What was made of groups before it that have a volume in common with it. */
  readonly earlier: readonly Made[]
}

export type GroupsWork<Made> = {
  /** What is said of one that fails: it is not "backed up". */
  readonly isNot: string
  /** Default: one after the other. */
  readonly slots?: Slots
  /** Told of all that have failed, in their order, also when something is thrown in the end. */
  readonly onFailed?: (failed: readonly Failed[]) => void
  readonly work: (turn: GroupTurn<Made>) => Promise<Made>
}

/**
 * Does something for each group of containers, side by side as far as there are slots. One for which it fails by itself is named,
 * and the others have their turn; when it fails for all, the first failure is thrown. What concerns all is thrown when those that
 * were begun have ended.
 */
export async function forEachGroup<Made>(context: CommandContext, { groups, failed: missing }: Groups, { isNot, slots = new Slots(1), onFailed, work }: GroupsWork<Made>): Promise<readonly Failed[]> {
  const isSeveral = groups.length + missing.length > 1
  const failures = new Map<number, readonly Failed[]>()
  const ofAll: unknown[] = []
  const fail = (at: number, whats: readonly Failed[]): void => {
    failures.set(at, whats)
    const [{ error } = {}] = whats
    if (isSeveral && error !== undefined) context.reporter.warn(`${whats.map(({ what }) => what).join(', ')} ${whats.length === 1 ? 'is' : 'are'} not ${isNot}: ${[error.message, ...error.hints].join('; ')}`)
  }
  for (const [at, each] of missing.entries()) fail(at, [each])
  const takeTurn = async (containers: Group, earlier: Made[]): Promise<void> => {
    if (ofAll.length > 0) return
    const at = groups.indexOf(containers)
    try {
      earlier.push(await work({ containers, at, reporter: isSeveral ? context.reporter.of(nameOfGroup(containers)) : context.reporter, earlier: [...earlier] }))
    } catch (thrown) {
      if (context.signal.aborted || !isOfOneGroup(thrown)) ofAll.push(thrown)
      else fail(missing.length + at, containers.map(nameOfSummary).map(name => ({ container: name, what: `container "${name}"`, error: thrown })))
    }
  }
  await Promise.all(lanesOf(groups).map(async lane => {
    const earlier: Made[] = []
    for (const containers of lane) await slots.run(() => takeTurn(containers, earlier))
  }))
  const failed = [...failures].sort(([one], [other]) => one - other).flatMap(([, whats]) => whats)
  onFailed?.(failed)
  if (ofAll.length > 0) throw ofAll.find(isLeftHalf) ?? ofAll[0]
  if (failed[0] !== undefined && failures.size === groups.length + missing.length) throw failed[0].error
  return failed
}

/** Nobody else can have another outcome: the others need not be tried. */
const concernAll: readonly ErrorCode[] = ['engine-unreachable', 'locked', 'interrupted', 'terminated', 'unexpected']

function isOfOneGroup(thrown: unknown): thrown is DrayError {
  return thrown instanceof DrayError && !concernAll.includes(thrown.code)
}

function isLeftHalf(thrown: unknown): boolean {
  return thrown instanceof DrayError && thrown.code === 'rollback-incomplete'
}

function nameOfGroup(containers: Group): string {
  const [project, ...projects] = new Set(containers.map(({ Labels }) => Labels?.[projectLabel]))
  if (containers.length > 1 && project !== undefined && projects.length === 0) return project
  const [first = '', ...others] = containers.map(nameOfSummary)
  return others.length === 0 ? first : `${first} and ${others.length} more`
}
