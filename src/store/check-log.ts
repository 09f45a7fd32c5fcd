/** Which backups were verified and drilled, and when: `drayage/checks.ndjson`, a line for each. Not needed for anything else. */
import { appendFile, readFile } from 'node:fs/promises'
import { errnoOf } from '../errors/system-error.ts'
import { writeFileAtomically } from '../files/atomic-file.ts'
import type { BackupSummary } from './backup-summary.ts'
import { isLocal, type Repository } from './repository.ts'

/** Without `backup` all that there were. */
export type CheckNote = { readonly at: string; readonly did: 'verified' | 'drilled'; readonly backup?: string }

export type Checks = { readonly verified?: string; readonly drilled?: string }

const mostLines = 2000

/** What cannot be noted is not: it is said nowhere that a check was. In a registry nothing is noted. */
export async function noteCheck(repository: Repository, note: CheckNote): Promise<void> {
  if (!isLocal(repository)) return
  const { checks } = repository.paths
  try {
    await appendFile(checks, `${JSON.stringify(note)}\n`, { mode: 0o600 })
    const lines = (await readFile(checks, 'utf8')).split('\n').filter(line => line !== '')
    if (lines.length > mostLines) await writeFileAtomically(checks, `${lines.slice(-mostLines / 2).join('\n')}\n`, { temporaryFolder: await repository.temporaryFolder() })
  } catch (thrown) {
    if (errnoOf(thrown) === undefined) throw thrown
  }
}

/** The last times of each backup. */
export async function readChecks(repository: Repository): Promise<(backup: Pick<BackupSummary, 'id' | 'created'>) => Checks> {
  const text = isLocal(repository) ? await readFile(repository.paths.checks, 'utf8').catch(() => '') : ''
  const notes = text.split('\n').flatMap(parseNote)
  return ({ id, created }) => {
    const last = (did: CheckNote['did']): string | undefined => notes.findLast(note => note.did === did && (note.backup === undefined ? note.at > created : note.backup === id))?.at
    const [verified, drilled] = [last('verified'), last('drilled')]
    return { ...(verified === undefined ? {} : { verified }), ...(drilled === undefined ? {} : { drilled }) }
  }
}

/** A line that was cut by a crash is none. */
function parseNote(line: string): CheckNote[] {
  try {
    const { at, did, backup } = JSON.parse(line) as Partial<Record<keyof CheckNote, unknown>>
    return typeof at === 'string' && (did === 'verified' || did === 'drilled') ? [{ at, did, ...(typeof backup === 'string' ? { backup } : {}) }] : []
  } catch {
    return []
  }
}
