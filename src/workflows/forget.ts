/** Decides which backups go, by a policy or by their ids. Only forgetBackups changes anything, and only the list: prune frees the space. */
import { DrayError } from '../errors/dray-error.ts'
import type { OwnerLock } from '../files/owner-lock.ts'
import { readJournals } from '../pipeline/read-journals.ts'
import { findBackup, listBackups, removeBackups } from '../store/backup-list.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import { chooseKept, type KeepPolicy, type KeepReason } from '../store/keep-policy.ts'
import type { Repository } from '../store/repository.ts'
import { findWhole } from '../store/whole-backups.ts'
import { isOpen, isReplacement, readRecords } from './run-records.ts'
import { groupBackups, subjectKey, type GroupedBackup, type Subject } from './retention-groups.ts'
import { replacedTag } from './steps/choose-backup.ts'

export type WhyKept =
  | (KeepReason & { readonly subject: Subject })
  /** The way back of a restore. */
  | { readonly rule: 'replaced' }
  /** It holds this as well, which the policy is not for. */
  | { readonly rule: 'other'; readonly subject: Subject }
  /** It holds neither a container nor an image, or cannot be read. */
  | { readonly rule: 'unknown' }

/** A backup with a reason at least stays. */
export type JudgedBackup = GroupedBackup & { readonly because: readonly WhyKept[] }

export type PolicyJob = {
  readonly policy: KeepPolicy
  readonly timeZone: string
  /** Whether the policy is for it. Of everything unless told. */
  readonly isAsked?: (subject: Subject) => boolean
}

/** Judges every backup that holds something the policy is for; others are not in the answer. Oldest first. */
export async function judgeBackups(repository: Repository, { policy, timeZone, isAsked }: PolicyJob): Promise<JudgedBackup[]> {
  const all = await groupBackups(repository, await listBackups(repository))
  const asked = isAsked === undefined ? all : all.filter(({ subjects }) => subjects.some(isAsked))
  const isWhole = findWhole(repository.blobs)
  const nowMs = Date.now()
  const damaged = new Set<string>()
  const checked = new Set<string>()
  // Only what a rule counts on has to be whole. One that is not makes the rule choose others, which are looked at in turn.
  for (;;) {
    const judged = judge(asked, { policy, isAsked: isAsked ?? (() => true), context: { nowMs, timeZone, damaged } })
    const unchecked = judged.filter(({ backup, because }) => !checked.has(backup.id) && because.some(({ rule }) => rule !== 'replaced'))
    if (unchecked.length === 0) return judged
    for (const { backup } of unchecked) {
      checked.add(backup.id)
      if (!(await isWhole(backup.descriptor))) damaged.add(backup.id)
    }
  }
}

function judge(backups: readonly GroupedBackup[], { policy, isAsked, context }: { readonly policy: KeepPolicy; readonly isAsked: (subject: Subject) => boolean; readonly context: Parameters<typeof chooseKept>[2] }): JudgedBackup[] {
  const groups = groupBySubject(backups)
  const because = new Map<string, WhyKept[]>(backups.map(({ backup }) => [backup.id, []]))
  for (const { subject, members } of groups.values()) {
    if (isAsked(subject)) for (const [id, reasons] of chooseKept(members, policy, context)) because.get(id)?.push(...reasons.map(reason => ({ ...reason, subject })))
    else for (const { id } of members) because.get(id)?.push({ rule: 'other', subject })
  }
  for (const { backup, subjects } of backups) {
    if (backup.tags.includes(replacedTag)) because.get(backup.id)?.push({ rule: 'replaced' })
    else if (subjects.length === 0) because.get(backup.id)?.push({ rule: 'unknown' })
  }
  return backups.map(each => ({ ...each, because: because.get(each.backup.id) ?? [] }))
}

function groupBySubject(backups: readonly GroupedBackup[]): Map<string, { readonly subject: Subject; readonly members: BackupSummary[] }> {
  const groups = new Map<string, { readonly subject: Subject; readonly members: BackupSummary[] }>()
  for (const { backup, subjects } of backups) {
    for (const subject of subjects) {
      const group = groups.get(subjectKey(subject)) ?? { subject, members: [] }
      group.members.push(backup)
      groups.set(subjectKey(subject), group)
    }
  }
  return groups
}

export type NamedJob = {
  /** Ids, or unique beginnings of them. */
  readonly wanted: readonly string[]
  /** Also the last complete backup of a container or image, and the way back of a restore or an upgrade. */
  readonly evenLast: boolean
  readonly journalFolder: string
}

/**
 * The backups that are named. Throws, for all of them, when one is not there, is the last complete one of something, or is
 * what a killed restore needs to put things right.
 */
export async function chooseNamed(repository: Repository, { wanted, evenLast, journalFolder }: NamedJob): Promise<GroupedBackup[]> {
  const ids = new Set<string>()
  for (const each of wanted) ids.add((await findBackup(repository, each)).id)
  await refuseNeeded(ids, journalFolder)
  if (!evenLast) await refuseWayBack(ids, journalFolder)
  const all = await groupBackups(repository, await listBackups(repository))
  const named = all.filter(({ backup }) => ids.has(backup.id))
  if (evenLast) return named
  const isWhole = findWhole(repository.blobs)
  const whole = async (members: readonly BackupSummary[]): Promise<BackupSummary | undefined> => {
    for (const member of members.toReversed()) if (await isWhole(member.descriptor)) return member
    return undefined
  }
  /** The one that goes though no other of these stays. */
  const lastOf = async (members: readonly BackupSummary[]): Promise<BackupSummary | undefined> => {
    const going = members.filter(({ id }) => ids.has(id))
    return going.length === 0 || (await whole(members.filter(({ id }) => !ids.has(id)))) !== undefined ? undefined : await whole(going)
  }
  for (const { subject, members } of groupBySubject(all).values()) {
    const last = (await lastOf(members)) ?? (await lastOf(members.filter(({ lacks }) => lacks.length === 0)))
    if (last !== undefined) throw new DrayError('usage', `"${last.id}" is the last complete backup of ${subject.kind} "${subject.name}" of host "${subject.host}": nothing was forgotten`, { hints: ['make a new one first: dray backup', 'if it is to go all the same: --even-last'] })
  }
  return named
}

/** A restore that was killed has its way back in the repository until `dray clean` has put things right. */
async function refuseNeeded(ids: ReadonlySet<string>, journalFolder: string): Promise<void> {
  const { dead, others } = await readJournals(journalFolder)
  for (const { open, command } of [...dead, ...others]) {
    for (const entry of open) {
      const backup = 'backup' in entry ? entry.backup : undefined
      if (backup !== undefined && ids.has(backup)) throw new DrayError('conflict', `"${backup}" holds what "${command}" has replaced and not put right: nothing was forgotten`, { hints: ['put it right first: dray clean'] })
    }
  }
}

/** Data that was replaced comes back from here, as long as nobody has taken the run back or given that up. */
async function refuseWayBack(ids: ReadonlySet<string>, journalFolder: string): Promise<void> {
  for (const record of await readRecords(journalFolder)) {
    if (!isReplacement(record) || !isOpen(record)) continue
    const needed = [...record.backups, ...record.replaced.map(({ backup }) => backup)].find(id => ids.has(id))
    if (needed === undefined) continue
    const hints = [`take it back: dray undo ${record.run}`, record.kept.length > 0 ? 'or give that up: dray clean --kept' : 'if it is to go all the same: --even-last']
    throw new DrayError('conflict', `"${needed}" holds what "${record.command}" has replaced, and is needed to take that back: nothing was forgotten`, { hints })
  }
}

/** Takes them off the list, all or none. */
export async function forgetBackups(repository: Repository, backups: readonly { readonly backup: BackupSummary }[], lock: OwnerLock<'exclusive'>): Promise<string[]> {
  if (backups.length === 0) return []
  return (await removeBackups(repository, backups.map(({ backup }) => backup.id), lock)).map(({ id }) => id)
}
