import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fromSystemError } from '../errors/system-error.ts'
import { AppendedLines } from './appended-lines.ts'
import { syncFolder, writeFileAtomically } from '../files/atomic-file.ts'
import { makeFolder } from '../files/make-folder.ts'
import { ownerIn } from '../files/life-sign.ts'
import type { Owner } from '../files/owner.ts'
import { removeDeadTemporaries } from '../files/temporary-name.ts'

/**
 * One thing that this run did, or is about to do, to an engine, written down before it is done. It is data, so that another
 * process can put it right after a kill -9. `engine` is the address as it was given, `engineId` the engine's own id.
 */
export type JournalAction =
  | { readonly did: 'paused' | 'unpaused' | 'stopped'; readonly container: string; readonly name: string }
  /** Its command `dray.pre` was run: `post` is to be run in it. */
  | { readonly did: 'prepared container'; readonly container: string; readonly name: string; readonly post: string; readonly timeoutMs: number }
  | { readonly did: 'created container'; readonly container: string; readonly withVolumes?: boolean }
  | { readonly did: 'created image' | 'created tag'; readonly ref: string }
  | { readonly did: 'moved tag'; readonly ref: string; readonly was: string }
  | { readonly did: 'created volume'; readonly volume: string }
  | { readonly did: 'created network'; readonly network: string }
  | { readonly did: 'renamed container'; readonly container: string; readonly was: string }
  /** Its successor is live: it is to be removed, and never to run again. */
  | { readonly did: 'superseded container'; readonly container: string; readonly name: string }
  | { readonly did: 'superseded volume'; readonly volume: string }
  /** Its copy is live on another engine: it is to be stopped, and never to start by itself again. */
  | { readonly did: 'retired container'; readonly container: string; readonly name: string }
  | { readonly did: 'replaced volume data'; readonly volume: string; readonly backup: string; readonly repository: string }
  | ({ readonly did: 'filled volume'; readonly volume: string } & Filling)
  | ({ readonly did: 'filled path'; readonly path: string; readonly kind: 'directory' | 'file' } & Filling)
  /** `path` is the topmost of the folders that were made so that there is a `bind`. */
  | { readonly did: 'created path'; readonly path: string; readonly bind?: string }
  | { readonly did: 'replaced path'; readonly path: string; readonly backup?: string; readonly repository?: string }

/** What was there, and empty, is filled with what this backup holds of `source`. `root` is what the place itself was, where that is known. */
export type Filling = { readonly backup?: string; readonly repository?: string; readonly source?: string; readonly root?: { readonly mode: number; readonly uid: number; readonly gid: number; readonly mtime: string } }

/** `at` is when it was written down, by the clock of the machine that dray runs on. */
export type JournalEntry = JournalAction & { readonly id: number; readonly engine: string; readonly engineId: string; readonly at: string }

type JournalEngine = { readonly address: string; readonly facts: { readonly id: string } }

export type JournalHead = { readonly owner: Owner; readonly run: string; readonly command: string; readonly since: string }
export type JournalLine = JournalHead | { readonly entry: JournalEntry } | { readonly settled: readonly number[]; readonly entries?: readonly JournalEntry[] } | { readonly ended: true }

/**
 * `damagedLines` could not be read and were left out, besides a last one that a crash cut: what they named is unknown. `ended`: the run
 * was not killed, but went back as far as it could.
 */
export type StoredJournal = JournalHead & { readonly file: string; readonly open: readonly JournalEntry[]; readonly damagedLines: number; readonly ended: boolean }

/**
 * The journal of one run: a file of appended, synced lines, removed when the run has nothing open. Its first line, which
 * names the owner, appears together with the file; a line that could not be written whole is taken back.
 */
export class Journal {
  private readonly lines: AppendedLines
  private readonly all: OpenEntries
  /** Ids of a part's own entries; undefined: all are its own. */
  private readonly own: Set<number> | undefined
  /** It is that of another run, which is dead. */
  private readonly isResumed: boolean

  private constructor(lines: AppendedLines, all: OpenEntries, { own, isResumed = false }: { readonly own?: Set<number>; readonly isResumed?: boolean } = {}) {
    this.lines = lines
    this.all = all
    this.own = own
    this.isResumed = isResumed
  }

  /** `conflict` when the run has a journal already. */
  static async start(folder: string, run: string, command: string): Promise<Journal> {
    const path = journalPath(folder, run)
    try {
      await makeDurableFolder(folder)
      await removeDeadTemporaries(folder)
      const head: JournalHead = { owner: await ownerIn(folder), run, command, since: new Date().toISOString() }
      await writeFileAtomically(path, `${JSON.stringify(head)}\n`, { keepExisting: true })
      return new Journal(await AppendedLines.open(path), { nextId: 1, byId: new Map() })
    } catch (error) {
      throw fromSystemError(error, 'write the journal', path)
    }
  }

  /** Goes on with a dead run's journal, so that what is put right is settled in it. The caller sees to it that nobody else does. */
  static async resume({ file, open: entries }: StoredJournal): Promise<Journal> {
    try {
      const lines = await AppendedLines.open(file)
      await lines.truncate((await readFile(file)).lastIndexOf('\n') + 1)
      return new Journal(lines, { nextId: Math.max(0, ...entries.map(({ id }) => id)) + 1, byId: new Map(entries.map(entry => [entry.id, entry])) }, { isResumed: true })
    } catch (error) {
      throw fromSystemError(error, 'write the journal', file)
    }
  }

  /** The same file, seen by one of several works that go on beside each other: what the others have open is not open here. It is not closed. */
  part(): Journal {
    return new Journal(this.lines, this.all, { own: new Set() })
  }

  /** Returns when the entry is on the disk: only then may the thing be done. If it throws, nothing is written. */
  async record(engine: JournalEngine, action: JournalAction): Promise<JournalEntry> {
    const entry = this.toEntry(engine, action)
    await this.lines.append({ entry } satisfies JournalLine)
    this.keep([entry])
    return entry
  }

  /** The things were undone, or have become what the user asked for: all at once. If it throws, they are open as before. */
  async settle(...entries: readonly JournalEntry[]): Promise<void> {
    const settled = this.openOf(entries)
    if (settled.length === 0) return
    await this.lines.append({ settled } satisfies JournalLine)
    for (const id of settled) this.all.byId.delete(id)
  }

  /**
   * In one line, so that a crash leaves either: `settled` are settled, and `actions` are what there is to do instead. For the
   * moment in which what was made becomes the user's. If it throws, everything is open as before.
   */
  async exchange(settledEntries: readonly JournalEntry[], engine: JournalEngine, actions: readonly JournalAction[]): Promise<readonly JournalEntry[]> {
    const settled = this.openOf(settledEntries)
    const entries = actions.map(action => this.toEntry(engine, action))
    if (settled.length + entries.length === 0) return []
    await this.lines.append({ settled, entries } satisfies JournalLine)
    for (const id of settled) this.all.byId.delete(id)
    this.keep(entries)
    return entries
  }

  /** What was done since then (an entry's id, 0 for all) and is neither undone nor meant to stay. */
  open(since = 0): JournalEntry[] {
    return [...this.all.byId.values()].filter(({ id }) => id >= since && this.own?.has(id) !== false)
  }

  /** The id that the next entry will have. */
  get position(): number {
    return this.all.nextId
  }

  /** Removes the file when nothing is open; else leaves it for `dray clean`, which can tell from it that the run was not killed. */
  async close(): Promise<readonly JournalEntry[]> {
    if (this.all.byId.size > 0 && !this.isResumed) await this.lines.append({ ended: true } satisfies JournalLine).catch(() => undefined)
    await this.leave()
    if (this.all.byId.size === 0) await rm(this.lines.path, { force: true })
    return [...this.all.byId.values()]
  }

  /** Closes the file and leaves it whatever is open. */
  async leave(): Promise<void> {
    await this.lines.close()
  }

  private keep(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      this.all.byId.set(entry.id, entry)
      this.own?.add(entry.id)
    }
  }

  private openOf(entries: readonly JournalEntry[]): number[] {
    return entries.map(({ id }) => id).filter(id => this.all.byId.has(id))
  }

  private toEntry(engine: JournalEngine, action: JournalAction): JournalEntry {
    return { ...action, id: this.all.nextId++, engine: engine.address, engineId: engine.facts.id, at: new Date().toISOString() }
  }
}

type OpenEntries = { nextId: number; readonly byId: Map<number, JournalEntry> }

function journalPath(folder: string, run: string): string {
  return join(folder, `${run}.ndjson`)
}

/** The names of new folders are made durable too, or a journal could be lost with its folder. */
async function makeDurableFolder(folder: string): Promise<void> {
  const first = await makeFolder(folder)
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}
