import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { isDead } from '../files/life-sign.ts'
import type { Owner } from '../files/owner.ts'
import type { JournalEntry, JournalHead, JournalLine, StoredJournal } from './journal.ts'

export type FoundJournals = {
  /** Of runs that are proved dead, oldest first. */
  readonly dead: readonly StoredJournal[]
  /** Of runs that may live on: here, on another host, or in another container. */
  readonly others: readonly StoredJournal[]
  /** Files that do not say whose they are. */
  readonly unreadable: readonly { readonly file: string; readonly problem: string }[]
}

/**
 * Every journal in the folder, which need not exist. A damaged file is never an error: lines that cannot be read are left
 * out (what a line cut by a crash names was not begun), and a file whose owner cannot be read is in `unreadable`.
 */
export async function readJournals(folder: string): Promise<FoundJournals> {
  const found = { dead: [] as StoredJournal[], others: [] as StoredJournal[], unreadable: [] as { file: string; problem: string }[] }
  for (const name of await namesIn(folder)) {
    if (!name.endsWith('.ndjson')) continue
    const file = join(folder, name)
    try {
      const journal = await readJournal(file)
      if (journal === undefined) found.unreadable.push({ file, problem: 'its first line does not say whose it is' })
      else if (!(await isDead(journal.owner, folder))) found.others.push(journal)
      // Read again now that nobody writes any more: the owner may have died since the first look.
      else found.dead.push((await readJournal(file)) ?? journal)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') found.unreadable.push({ file, problem: fromSystemError(error, 'read the journal', file).message })
    }
  }
  const byAge = (left: StoredJournal, right: StoredJournal): number => left.since.localeCompare(right.since) || left.run.localeCompare(right.run)
  return { dead: found.dead.sort(byAge), others: found.others.sort(byAge), unreadable: found.unreadable }
}

export async function removeJournal(journal: { readonly file: string }): Promise<void> {
  try {
    await rm(journal.file, { force: true })
  } catch (error) {
    throw fromSystemError(error, 'remove the journal', journal.file)
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw fromSystemError(error, 'read the journals in', folder)
  }
}

async function readJournal(file: string): Promise<StoredJournal | undefined> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1).filter(line => line !== '').map(parseLine)
  const head = lines[0]
  if (head === undefined || !('owner' in head)) return undefined
  const settled = new Set(lines.flatMap(line => (line && 'settled' in line ? line.settled : [])))
  const entries = lines.flatMap(line => (line === undefined ? [] : 'entry' in line ? [line.entry] : 'settled' in line ? (line.entries ?? []) : [])).filter(({ id }) => !settled.has(id))
  const { owner, run, command, since } = head
  return { file, owner, run, command, since, open: entries, damagedLines: lines.filter(line => line === undefined).length, ended: lines.some(line => line !== undefined && 'ended' in line) }
}

function parseLine(line: string): JournalLine | undefined {
  try {
    const value = JSON.parse(line) as Partial<JournalHead> & { entry?: unknown; settled?: unknown; entries?: unknown; ended?: unknown } | null
    const { entry, entries = [], settled } = value ?? {}
    if (Array.isArray(settled)) return Array.isArray(entries) && entries.every(isEntry) ? { settled: settled as number[], entries } : undefined
    if (isEntry(entry)) return { entry }
    if (value?.ended === true) return { ended: true }
    const { owner, run, command, since } = value ?? {}
    if (owner && [run, command, since].every(isText) && isOwner(owner)) return { owner, run, command, since } as JournalHead
  } catch {
    // not JSON: cut, or not ours
  }
  return undefined
}

function isEntry(value: unknown): value is JournalEntry {
  const { id, did, engine, engineId, at } = (value ?? {}) as Partial<JournalEntry>
  return typeof id === 'number' && [did, engine, engineId, at].every(isText)
}

const isText = (value: unknown): boolean => typeof value === 'string'

function isOwner({ host, machine, bootId, pidNamespace, pid, startTime, life = '' }: Partial<Owner>): boolean {
  return [life, host, machine, bootId, pidNamespace, startTime].every(isText) && Number.isInteger(pid) && (pid ?? 0) > 0
}
