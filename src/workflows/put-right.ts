import { DrayError } from '../errors/dray-error.ts'
import type { Engine } from '../engine/engine.ts'
import type { Journal, JournalEntry } from '../pipeline/journal.ts'
import { awaitEngine } from './await-engine.ts'
import type { Reporter } from './reporter.ts'
import { retireContainer } from './retire-container.ts'
import { runInContainer } from './steps/container-command.ts'
import { stopSetAside } from './set-aside.ts'
import { startContainer, unpauseContainer } from './wake-container.ts'
import { splitReference } from '../engine/image-reference.ts'
import { unlessMissing } from '../engine/unless-missing.ts'
import { untag } from './untag.ts'

/** Puts one thing right that needs more than the engine's verbs: data that was replaced, paths on the host. */
export type DataRestorer = (entry: Extract<JournalEntry, { did: 'replaced volume data' | 'filled volume' | 'filled path' | 'created path' | 'replaced path' }>, engine: Engine) => Promise<void>

/** A thing that appeared longer than this after its entry is not what the entry meant. Clocks of two machines may differ. */
export const longestMakingMs = 60 * 60 * 1000

/**
 * Undoes what a journal entry says was done, or does nothing if that is undone already or the thing is gone. Used by a run
 * for its own way back and by the next run, or `dray clean`, after a crash. The entry was written before the thing was done:
 * what carries its name but was made much later by somebody else is not removed, and is a `conflict`.
 */
export async function putRight(engine: Engine, entry: JournalEntry, restoreData: DataRestorer): Promise<void> {
  const { containers, images, volumes, networks } = engine
  switch (entry.did) {
    case 'paused':
      await ifThere(() => unpauseContainer(engine, entry.container))
      break
    case 'unpaused':
      await ifThere(async () => {
        const { State } = await containers.inspect(entry.container)
        if (State.Running && !State.Paused) await containers.pause(entry.container)
      })
      break
    case 'stopped':
      await ifThere(() => startContainer(engine, entry.container, Date.parse(entry.at)))
      break
    case 'prepared container':
      await ifThere(async () => {
        if ((await containers.inspect(entry.container)).State.Running) await runInContainer({ engine, container: { id: entry.container, name: entry.name }, command: entry.post, label: 'dray.post', timeoutMs: entry.timeoutMs, signal: new AbortController().signal })
      })
      break
    case 'created container':
      await ifThere(async () => {
        expectOurs(entry, (await containers.inspect(entry.container)).Created)
        await containers.remove(entry.container, { force: true, volumes: entry.withVolumes ?? true })
      })
      break
    case 'created image':
    case 'created tag':
      await untag(engine, entry.ref)
      break
    case 'moved tag': {
      const { repo, tag } = splitReference(entry.ref)
      await ifThere(() => images.tag(entry.was, repo, tag))
      break
    }
    case 'created volume':
      await ifThere(async () => {
        expectOurs(entry, (await volumes.inspect(entry.volume)).CreatedAt)
        await volumes.remove(entry.volume)
      })
      break
    case 'created network':
      await ifThere(async () => {
        expectOurs(entry, (await networks.inspect(entry.network))['Created'])
        await networks.remove(entry.network)
      })
      break
    case 'superseded container':
      await containers.remove(entry.container, { force: true, volumes: true })
      break
    case 'superseded volume':
      await volumes.remove(entry.volume)
      break
    case 'retired container':
      await ifThere(() => retireContainer(engine, entry.container))
      break
    case 'renamed container':
      await ifThere(async () => {
        const { Name } = await containers.inspect(entry.container)
        if (Name !== `/${entry.was}`) await containers.rename(entry.container, entry.was)
      })
      break
    case 'replaced volume data':
    case 'filled volume':
    case 'filled path':
    case 'created path':
    case 'replaced path':
      await restoreData(entry, engine)
      break
  }
}

/**
 * Puts entries right, newest first, and settles each. All are tried; the first failure is thrown in the end. An engine that
 * is away for a moment is waited for, and `reporter` says so.
 */
export async function putAllRight(engine: Engine, { journal, reporter }: { readonly journal: Journal; readonly reporter: Pick<Reporter, 'warn'> }, entries: readonly JournalEntry[], restoreData: DataRestorer): Promise<void> {
  const failures = await tryAllRight(() => Promise.resolve(engine), journal, entries, restoreData, work => awaitEngine(engine, work, text => reporter.warn(text)))
  if (failures[0] !== undefined) throw failures[0].thrown
}

/** The same for entries of several engines; tells what failed. */
export async function tryAllRight(engineOf: (entry: JournalEntry) => Promise<Engine>, journal: Journal, entries: readonly JournalEntry[], restoreData: DataRestorer, trying: (work: () => Promise<void>) => Promise<void> = work => work()): Promise<{ entry: JournalEntry; thrown: unknown }[]> {
  const failures: { entry: JournalEntry; thrown: unknown }[] = []
  if (entries.some(isReplaced)) await trying(() => stopSetAside(engineOf, entries)).catch(() => undefined)
  for (const entry of [...entries].sort((a, b) => b.id - a.id)) {
    try {
      if (failures.some(failed => isReplaced(failed.entry))) {
        // A program that starts over half of its data may destroy the rest.
        if (entry.did === 'stopped') throw new DrayError('conflict', `container "${entry.name}" is not started, because its data is not back`)
        if (entry.did === 'renamed container') throw new DrayError('conflict', `container "${entry.was}" does not get its name again, because its data is not back`)
      }
      await trying(async () => putRight(await engineOf(entry), entry, restoreData))
      await journal.settle(entry)
    } catch (thrown) {
      failures.push({ entry, thrown })
    }
  }
  return failures
}

/** Data that something else was written over: it comes back from a backup. */
export function isReplaced({ did }: JournalEntry): boolean {
  return did === 'replaced volume data' || did === 'replaced path'
}

/** Everything that a run makes for the moment has its id in its name; what is the user's cannot. */
export function isTemporary(entry: JournalEntry, run: string): boolean {
  const isOurs = (name: string): boolean => name.startsWith('drayage-') && name.includes(run)
  return ('container' in entry && isOurs(entry.container)) || ('ref' in entry && isOurs(entry.ref)) || ('volume' in entry && isOurs(entry.volume))
}

/** One line about an entry, for lists of what is left. */
export function describeEntry(entry: JournalEntry): string {
  switch (entry.did) {
    case 'paused':
    case 'stopped':
      return `container "${entry.name}" was ${entry.did} and is to run again`
    case 'unpaused':
      return `container "${entry.name}" was unpaused and is to be paused again`
    case 'prepared container':
      return `container "${entry.name}" was prepared by its dray.pre, and its dray.post is to be run: ${entry.post}`
    case 'created container':
      return `container "${entry.container}" was created`
    case 'created image':
    case 'created tag':
      return `image "${entry.ref}" was created`
    case 'moved tag':
      return `image name "${entry.ref}" was moved from ${entry.was.slice(0, 19)}`
    case 'created volume':
      return `volume "${entry.volume}" was created`
    case 'created network':
      return `network "${entry.network}" was created`
    case 'superseded container':
      return `container "${entry.name}" was replaced and is to be removed`
    case 'superseded volume':
      return `volume "${entry.volume}" was moved to another host and is to be removed`
    case 'retired container':
      return `another container took the place of "${entry.name}", which is to be stopped, and not to start by itself`
    case 'renamed container':
      return `container "${entry.was}" was renamed`
    case 'replaced volume data':
      return `the data of volume "${entry.volume}" was replaced; the old data is in backup "${entry.backup}"`
    case 'filled volume':
      return `volume "${entry.volume}" was empty and was filled`
    case 'filled path':
      return `"${entry.path}" was empty and was filled`
    case 'created path':
      return `"${entry.path}" was created on the host`
    case 'replaced path':
      return `"${entry.path}" was replaced; the old data is in backup "${entry.backup ?? ''}"`
  }
}

async function ifThere(doing: () => Promise<unknown>): Promise<void> {
  await unlessMissing(doing())
}

/** For runs that replace no data. */
export const noDataRestorer: DataRestorer = entry => Promise.reject(new DrayError('unexpected', `nothing knows how to put "${describeEntry(entry)}" right`))

function expectOurs(entry: JournalEntry, created: unknown): void {
  const later = typeof created === 'string' ? Date.parse(created) - Date.parse(entry.at) : NaN
  if (later <= longestMakingMs || Number.isNaN(later)) return
  throw new DrayError('conflict', `it was made at ${String(created)}, long after this run wrote at ${entry.at} that it would make one of that name`, {
    hints: ['it is not removed: if nobody needs it, remove it with docker'],
  })
}
