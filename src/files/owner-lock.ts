/**
 * Shared and exclusive locks as files in a folder, one file per holder.
 *
 * Both create first, then look: of two that conflict at least one sees the other's file, and whoever sees one backs off.
 * A file that cannot be understood, or whose owner is on another host, is respected: only a proved dead owner loses its lock.
 */
import { randomBytes } from 'node:crypto'
import { access, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { writeFileAtomically } from './atomic-file.ts'
import { isDead, ownerIn } from './life-sign.ts'
import { makeFolder } from './make-folder.ts'
import type { Owner } from './owner.ts'
import { removeDeadTemporaries } from './temporary-name.ts'

export type LockKind = 'shared' | 'exclusive'

export type LockOptions = {
  /** What the holder does, for the message of the one who has to wait: "backup web". */
  readonly command: string
  /** How long to wait for others. A second unless told, so that one who only looked is not taken for a holder. */
  readonly waitMs?: number
  readonly signal?: AbortSignal
  /** Called once, when there is somebody to wait for. */
  readonly onWait?: (holder: string) => void
}

export interface OwnerLock<Kind extends LockKind = LockKind> extends AsyncDisposable {
  readonly kind: Kind
  /** False when somebody removed the lock's file: what was safe under it is not safe any more. */
  isHeld(): Promise<boolean>
  release(): Promise<void>
}

/** Before what is safe only under the lock. Throws `locked` when somebody has taken it away; `of` is what it locks: `the repository "…"`. */
export async function assertHeld(lock: OwnerLock, of: string, hint = 'run the same command again'): Promise<void> {
  if (!(await lock.isHeld())) throw new DrayError('locked', `the lock of ${of} was taken away`, { hints: [hint] })
}

type LockRecord = { readonly kind: LockKind; readonly command: string; readonly since: string; readonly owner: Owner }
type Other = { readonly path: string; readonly record: LockRecord | undefined }

const shortestPauseMs = 5
const longestPauseMs = 250

/** Throws DrayError `locked`, naming the holder, when the lock is not free within `waitMs`. */
export async function acquireOwnerLock<Kind extends LockKind>(folder: string, kind: Kind, options: LockOptions): Promise<OwnerLock<Kind>> {
  const deadline = performance.now() + (options.waitMs ?? 1000)
  const path = join(folder, `${randomBytes(8).toString('hex')}.json`)
  let pauseMs = shortestPauseMs
  let told = false
  try {
    await makeFolder(folder)
    await removeDeadTemporaries(folder)
    for (;;) {
      let blocker = await findBlocker(folder, kind, path)
      if (blocker === undefined) {
        await writeRecord(path, { kind, command: options.command, since: new Date().toISOString(), owner: await ownerIn(folder) })
        blocker = await findBlocker(folder, kind, path)
        if (blocker === undefined) return heldLock(kind, path)
        await rm(path, { force: true })
      }
      if (performance.now() >= deadline) throw lockedError(folder, blocker)
      if (!told) options.onWait?.(describe(blocker))
      told = true
      await delay(Math.min(pauseMs * (0.5 + Math.random()), Math.max(1, deadline - performance.now())), undefined, options.signal ? { signal: options.signal } : {})
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
  } catch (thrown) {
    await rm(path, { force: true }).catch(() => undefined)
    if (options.signal?.aborted === true) throw options.signal.reason
    if (errnoOf(thrown) === undefined) throw thrown
    throw fromSystemError(thrown, 'cannot lock', folder)
  }
}

function heldLock<Kind extends LockKind>(kind: Kind, path: string): OwnerLock<Kind> {
  const release = async () => rm(path, { force: true })
  return { kind, release, [Symbol.asyncDispose]: release, isHeld: () => access(path).then(() => true, () => false) }
}

/** The file appears with its content: who sees it can read it. */
async function writeRecord(path: string, record: LockRecord): Promise<void> {
  await writeFileAtomically(path, JSON.stringify(record) + '\n')
}

async function findBlocker(folder: string, kind: LockKind, own: string): Promise<Other | undefined> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if (path === own || !name.endsWith('.json')) continue
    const other = await readOther(path)
    if (other === undefined) continue
    if (other.record !== undefined && (await isDead(other.record.owner, folder))) {
      await rm(path, { force: true })
      continue
    }
    if (kind === 'exclusive' || other.record?.kind !== 'shared') return other
  }
  return undefined
}

async function readOther(path: string): Promise<Other | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (thrown) {
    return errnoOf(thrown) === 'ENOENT' ? undefined : { path, record: undefined }
  }
  return { path, record: parseRecord(text) }
}

function parseRecord(text: string): LockRecord | undefined {
  try {
    const { kind, command, since, owner } = JSON.parse(text) as Partial<LockRecord>
    if ((kind !== 'shared' && kind !== 'exclusive') || typeof command !== 'string' || typeof since !== 'string') return undefined
    const fields = [owner?.host, owner?.machine, owner?.bootId, owner?.pidNamespace, owner?.startTime]
    if (owner === undefined || !fields.every(field => typeof field === 'string') || !['string', 'undefined'].includes(typeof owner.life) || !Number.isInteger(owner.pid) || owner.pid < 1) return undefined
    return { kind, command, since, owner }
  } catch {
    return undefined
  }
}

function describe({ path, record }: Other): string {
  return record === undefined ? `an unreadable lock file "${path}"` : `"${record.command}" on host "${record.owner.host}" (process ${record.owner.pid}, since ${record.since})`
}

function lockedError(folder: string, other: Other): DrayError {
  return new DrayError('locked', `"${folder}" is locked by ${describe(other)}`, {
    hints: ['wait until it has ended, then run the same command again', `if it is certain that nothing uses the repository any more, remove "${other.path}"`],
  })
}
