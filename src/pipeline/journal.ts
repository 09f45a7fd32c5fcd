import { mkdir, open, readdir, readFile, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { fromSystemError } from '../errors/system-error.ts'
import { isProvedDead, thisProcess, type Owner } from '../files/owner.ts'

/**
 * One thing that this run did, or is about to do, to an engine, written down before it is done. It is data, so that another
 * process can put it right after a kill -9. `engine` is the address as it was given, `engineId` the engine's own id.
 */
export type JournalAction =
  | { readonly did: 'paused' | 'stopped'; readonly container: string; readonly name: string }
  | { readonly did: 'created container'; readonly container: string; readonly withVolumes?: boolean }
  | { readonly did: 'created image' | 'created tag'; readonly ref: string }
  | { readonly did: 'moved tag'; readonly ref: string; readonly was: string }
  | { readonly did: 'created volume'; readonly volume: string }
  | { readonly did: 'created network'; readonly network: string }
  | { readonly did: 'renamed container'; readonly container: string; readonly was: string }
  | { readonly did: 'replaced volume data'; readonly volume: string; readonly backup: string; readonly repository: string }
  | { readonly did: 'created path' | 'replaced path'; readonly path: string; readonly backup?: string; readonly repository?: string }

export type JournalEntry = JournalAction & { readonly id: number; readonly engine: string; readonly engineId: string }

type JournalLine = { readonly owner: Owner; readonly run: string; readonly command: string } | { readonly entry: JournalEntry } | { readonly settled: number }

export type StoredJournal = { readonly file: string; readonly run: string; readonly command: string; readonly owner: Owner; readonly open: readonly JournalEntry[] }

/** The journal of one run: a file of appended, synced lines, removed when the run has nothing open. */
export class Journal {
  private nextId = 1
  private readonly openEntries = new Map<number, JournalEntry>()
  private readonly file: FileHandle
  private readonly path: string

  private constructor(file: FileHandle, path: string) {
    this.file = file
    this.path = path
  }

  static async start(folder: string, run: string, command: string): Promise<Journal> {
    const path = join(folder, `${run}.ndjson`)
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const journal = new Journal(await open(path, 'ax', 0o600), path)
      await journal.append({ owner: thisProcess(), run, command })
      return journal
    } catch (error) {
      throw fromSystemError(error, 'write the journal', path)
    }
  }

  /** Returns when the entry is on the disk: only then may the thing be done. */
  async record(engine: { address: string; facts: { id: string } }, action: JournalAction): Promise<JournalEntry> {
    const entry = { ...action, id: this.nextId++, engine: engine.address, engineId: engine.facts.id }
    this.openEntries.set(entry.id, entry)
    await this.append({ entry })
    return entry
  }

  /** The thing was undone, or has become what the user asked for. */
  async settle(...entries: readonly JournalEntry[]): Promise<void> {
    for (const { id } of entries) {
      if (this.openEntries.delete(id)) await this.append({ settled: id })
    }
  }

  /** What was done since then (an entry's id, 0 for all) and is neither undone nor meant to stay. */
  open(since = 0): JournalEntry[] {
    return [...this.openEntries.values()].filter(entry => entry.id >= since)
  }

  /** The id that the next entry will have. */
  get position(): number {
    return this.nextId
  }

  /** Removes the file when nothing is open; else leaves it for `dray clean`. */
  async close(): Promise<readonly JournalEntry[]> {
    await this.file.close()
    if (this.openEntries.size === 0) await rm(this.path, { force: true })
    return [...this.openEntries.values()]
  }

  private async append(line: JournalLine): Promise<void> {
    try {
      await this.file.write(`${JSON.stringify(line)}\n`)
      await this.file.datasync()
    } catch (error) {
      throw fromSystemError(error, 'write the journal', this.path)
    }
  }
}

/** The journals of runs that are proved dead, oldest first. A line cut by the crash is left out: what it names was not begun. */
export async function readDeadJournals(folder: string): Promise<StoredJournal[]> {
  const names = await readdir(folder).catch(() => [])
  const journals: StoredJournal[] = []
  for (const name of names.filter(name => name.endsWith('.ndjson')).sort()) {
    const journal = parseJournal(join(folder, name), await readFile(join(folder, name), 'utf8').catch(() => ''))
    if (journal && isProvedDead(journal.owner)) journals.push(journal)
  }
  return journals
}

export async function removeJournal(journal: StoredJournal): Promise<void> {
  await rm(journal.file, { force: true })
}

function parseJournal(file: string, text: string): StoredJournal | undefined {
  const lines = text.split('\n').slice(0, -1).map(line => JSON.parse(line) as JournalLine)
  const head = lines[0]
  if (!head || !('owner' in head)) return undefined
  const settled = new Set(lines.flatMap(line => ('settled' in line ? [line.settled] : [])))
  const entries = lines.flatMap(line => ('entry' in line && !settled.has(line.entry.id) ? [line.entry] : []))
  return { file, run: head.run, command: head.command, owner: head.owner, open: entries }
}
