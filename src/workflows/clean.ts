import { basename, join } from 'node:path'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { acquireOwnerLock } from '../files/owner-lock.ts'
import { isFromHere } from '../files/owner.ts'
import { Journal, type JournalEntry, type StoredJournal } from '../pipeline/journal.ts'
import { readJournals, removeJournal } from '../pipeline/read-journals.ts'
import type { ContainerInspect } from '../engine/api-types.ts'
import type { Engine } from '../engine/engine.ts'
import { findInUse } from './container-in-use.ts'
import { describeRemedy } from './describe-remedy.ts'
import { describeEntry, isReplaced, isTemporary, longestMakingMs, tryAllRight, type DataRestorer } from './put-right.ts'
import type { Reporter } from './reporter.ts'
import { removeMigration, removeOutcome } from './run-records.ts'
import { isSetAside } from './set-aside.ts'
import { requireUnusedSince } from './steps/used-since.ts'

export type CleanRequest = {
  /** Where the journals lie. It need not exist. */
  readonly folder: string
  /** Connects to an address as a journal recorded it. Connections stay the caller's. */
  readonly connect: (address: string) => Promise<Engine>
  readonly restoreData: DataRestorer
  readonly signal: AbortSignal
  /** The command line, for another process that has to wait. */
  readonly command: string
  /** Leaves a killed restore as it is when a container that it made has run: that may be in use by now. And of runs that may live elsewhere only old ones are told. */
  readonly sparing?: boolean
  /** A run that is put right although its container has run for long, or although nothing shows that it is dead: its user says so. */
  readonly unspared?: string
  /** How long to wait for another process that cleans. */
  readonly waitMs?: number
}

/** `run` is the run whose journal it is in, for `dray clean --forget`. */
export type LeftOver = { readonly run: string; readonly what: string; readonly problem: string }

/** `settled` says what was done about each thing. */
export type CleanReport = { readonly settled: readonly string[]; readonly left: readonly LeftOver[] }

/**
 * Puts right what dead runs left on engines, newest first, and removes their journals. What cannot be put right (an engine
 * that does not answer, or is another one now) stays in its journal and is told. One process at a time does this: another
 * one waits and then finds the rest; `locked` when the wait is over. Throws the signal's reason when that fires.
 */
export async function cleanDeadRuns(request: CleanRequest): Promise<CleanReport> {
  const { folder, signal, command, waitMs = 60_000 } = request
  const first = await readOver(request)
  if (first.dead.length === 0) return { settled: [], left: first.left }
  const lock = await acquireOwnerLock(join(folder, 'cleaning'), 'exclusive', { command, waitMs, signal })
  try {
    // Once more under the lock: somebody else may have put some right meanwhile.
    const { dead, left } = await readOver(request)
    const engineOf = enginesByEntry(request)
    const settled: string[] = []
    for (const stored of [...dead].reverse()) {
      const report = await cleanOne(stored, engineOf, request)
      settled.push(...report.settled)
      left.push(...report.left)
    }
    return { settled, left }
  } finally {
    await lock.release()
  }
}

/** Runs to put right, oldest first, and what is left of others. */
async function readOver({ folder, unspared, sparing = false }: CleanRequest): Promise<{ readonly dead: readonly StoredJournal[]; readonly left: LeftOver[] }> {
  const { dead, others, unreadable } = await readJournals(folder)
  const far = others.filter(({ owner }) => !isFromHere(owner))
  const given = far.filter(({ run }) => run === unspared)
  const untold = far.filter(each => !given.includes(each) && (!sparing || Date.now() - Date.parse(each.since) > longestMakingMs))
  return { dead: [...given, ...dead], left: [...unreadable.map(leftFile), ...untold.flatMap(leftFar)] }
}

/** For the start of another command: says what was put right and what was not, and never fails but by the signal. */
export async function cleanBeforehand(request: CleanRequest, reporter: Pick<Reporter, 'note' | 'warn'>): Promise<void> {
  try {
    const { settled, left } = await cleanDeadRuns({ waitMs: 5_000, sparing: true, ...request })
    for (const what of settled) reporter.note(what)
    for (const [problem, what] of byProblem(left)) reporter.warn(`left by an earlier run: ${what.join('; ')}: ${problem} (see: dray clean)`)
  } catch (error) {
    request.signal.throwIfAborted()
    reporter.warn(`what earlier runs left could not be put right: ${messageOf(error)}`)
  }
}

/** What cleanDeadRuns would put right. Connects to nothing. */
export async function listDeadRuns(folder: string): Promise<readonly LeftOver[]> {
  const { dead, others, unreadable } = await readJournals(folder)
  return [
    ...others.filter(({ owner }) => !isFromHere(owner)).flatMap(leftFar),
    ...[...dead].reverse().flatMap(({ run, command, open }) => [...open].reverse().map(entry => ({ run, what: describeEntry(entry), problem: `left by "${command}" on "${entry.engine}"` }))),
    ...unreadable.map(leftFile),
  ]
}

/** Drops a run's journal on the user's word, and touches nothing that it names. `conflict` while the run lives, `not-found` without one. */
export async function forgetRun(folder: string, run: string): Promise<readonly string[]> {
  const { dead, others, unreadable } = await readJournals(folder)
  const journal = [...dead, ...others].find(each => each.run === run)
  const file = journal?.file ?? unreadable.find(each => runOf(each.file) === run)?.file
  if (file === undefined) throw new DrayError('not-found', `no journal of a run "${run}"`, { hints: ['dray clean --dry-run lists the runs'] })
  if (journal !== undefined && others.includes(journal) && isFromHere(journal.owner)) {
    throw new DrayError('conflict', `run "${run}" (${journal.command}, process ${journal.owner.pid}) is still at work`, { hints: ['wait until it has ended, or stop it with Ctrl-C'] })
  }
  await removeJournal({ file })
  return (journal?.open ?? []).map(describeEntry)
}

async function cleanOne(stored: StoredJournal, engineOf: (entry: JournalEntry) => Promise<Engine>, { folder, restoreData, signal, sparing = false, unspared }: CleanRequest): Promise<CleanReport> {
  const { run, file, open, damagedLines, ended } = stored
  const used = run === unspared || (ended && !sparing) ? undefined : await findInUse(open, run, engineOf, { forLong: !sparing })
  if (used !== undefined) return { settled: [], left: [leftInUse(stored, used, { sparing })] }
  // A lost line may have settled a thing that the user has by now: then only what removes nothing is done.
  const safe = damagedLines === 0 ? open : open.filter(({ did }) => did === 'paused' || did === 'stopped')
  try {
    const journal = await Journal.resume(stored)
    const checked = async (entry: JournalEntry): Promise<Engine> => {
      signal.throwIfAborted()
      return await engineOf(entry)
    }
    const own = new Set(open.flatMap(entry => (entry.did === 'created container' || entry.did === 'retired container' ? [entry.container] : [])))
    const isOwn = (container: ContainerInspect): boolean => own.has(container.Id) || isSetAside(container, open)
    const putBack: DataRestorer = async (entry, engine) => {
      if (entry.did === 'replaced volume data' || entry.did === 'replaced path') await requireUnusedSince(engine, entry, { run, isOwn, signal })
      await restoreData(entry, engine)
    }
    const failures = await tryAllRight(checked, journal, safe, putBack).finally(() => damagedLines === 0 ? journal.close() : journal.leave())
    signal.throwIfAborted()
    if (damagedLines === 0 && open.some(entry => isBeforeCommit(entry, run))) await removeOutcome(folder, run)
    if (damagedLines === 0 && open.some(entry => isOfTheMaking(entry, run))) await removeMigration(folder, run)
    const failed = new Map(failures.map(({ entry, thrown }) => [entry, messageOf(thrown)]))
    return {
      settled: safe.filter(entry => !failed.has(entry)).map(describeRemedy),
      left: [
        ...open.filter(entry => failed.has(entry) || !safe.includes(entry)).map(entry => ({ run, what: describeEntry(entry), problem: failed.get(entry) ?? 'not touched, because the journal is damaged' })),
        ...(damagedLines === 0 ? [] : [leftFile({ file, problem: `${damagedLines} of its lines cannot be read` })]),
      ],
    }
  } catch (error) {
    signal.throwIfAborted()
    return { settled: [], left: [leftFile({ file, problem: messageOf(error) })] }
  }
}

/** What a run takes back as long as what replaces something is not live: after that it only puts away what is replaced, which has another name already. */
function isBeforeCommit(entry: JournalEntry, run: string): boolean {
  return !isTemporary(entry, run) && (entry.did === 'renamed container' || isReplaced(entry))
}

const afterCommit: ReadonlySet<string> = new Set(['retired container', 'superseded container', 'superseded volume'] satisfies readonly JournalEntry['did'][])

/** What a migration takes back as long as its copy is not the user's: after that there are at most sources to put away. */
function isOfTheMaking(entry: JournalEntry, run: string): boolean {
  return !isTemporary(entry, run) && !afterCommit.has(entry.did)
}

/** Each address is connected to once, also when that fails. */
function enginesByEntry({ connect }: CleanRequest): (entry: JournalEntry) => Promise<Engine> {
  const connecting = new Map<string, Promise<Engine>>()
  return async ({ engine: address, engineId }) => {
    const known = connecting.get(address) ?? connect(address)
    connecting.set(address, known)
    const engine = await known
    if (engine.facts.id !== engineId) throw new DrayError('conflict', `another engine answers at "${address}" than then`)
    return engine
  }
}

/** What failed for one reason, as an engine that does not answer, is told at once. */
function byProblem(left: readonly LeftOver[]): Map<string, string[]> {
  const grouped = new Map<string, string[]>()
  for (const { what, problem } of left) grouped.set(problem, [...(grouped.get(problem) ?? []), what])
  return grouped
}

function leftInUse({ run, command }: StoredJournal, container: string, { sparing }: { readonly sparing: boolean }): LeftOver {
  const what = `what "${command}" made`
  if (sparing) return { run, what, problem: `its container "${container}" runs, or has run: it is left as it is` }
  return { run, what, problem: `its container "${container}" has run for longer than a start takes, and what it has written is nowhere else: if it is wanted: dray clean --forget ${run}; if not: dray clean --undo ${run}` }
}

function leftFar({ run, open, command, owner, since }: StoredJournal): LeftOver[] {
  return open.map(entry => ({ run, what: describeEntry(entry), problem: `"${command}" on host "${owner.host}" (process ${owner.pid}, since ${since}) cannot be seen from here: if it has ended: dray clean --undo ${run}` }))
}

const runOf = (file: string): string => basename(file, '.ndjson')

function leftFile({ file, problem }: { file: string; problem: string }): LeftOver {
  return { run: runOf(file), what: `journal "${file}"`, problem }
}
