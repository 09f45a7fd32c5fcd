/**
 * Which backups of one thing stay. Every rule chooses for itself, as if there were no other, and what any rule has chosen
 * stays. The newest complete one stays whatever the rules say.
 */
import { bucketsIn, periods, type Period } from './time-bucket.ts'

/** A missing rule keeps nothing. Numbers are whole and above 0. */
export type KeepPolicy = Readonly<Partial<Record<'last' | Period, number>>> & {
  /** Back from the newest complete backup, not from now: nothing goes only because no new ones come, or because of a clock that was far ahead. */
  readonly withinMs?: number
  readonly tags?: readonly string[]
}

export type KeepReason =
  | { readonly rule: 'last'; readonly number: number; readonly of: number }
  | { readonly rule: Period; readonly number: number; readonly of: number; readonly bucket: string }
  /** `beforeGap`: counted from the last one before a gap that may be no more than a wrong clock. */
  | { readonly rule: 'within'; readonly ms: number; readonly beforeGap?: true }
  | { readonly rule: 'tag'; readonly tag: string }
  /** The newest complete one, which no rule keeps. */
  | { readonly rule: 'newest' }
  /** A rule would have chosen it, but it is not complete: the rule chooses the next as well. */
  | { readonly rule: 'damaged' }
  /** Its time is in the future, or cannot be read: no rule knows where it belongs. */
  | { readonly rule: 'undated' }

export type DatedBackup = {
  readonly id: string
  readonly created: string
  readonly tags: readonly string[]
  /** What it was told to leave out, or could not have: rules count it all the same, but the newest without any stays too. */
  readonly lacks?: readonly string[]
}

export type KeepContext = {
  readonly nowMs: number
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string
  /** Ids of those of which something is missing or broken in the repository. */
  readonly damaged: ReadonlySet<string>
}

/** Why each backup of a group stays, by its id. What has no reason goes. The order of the group does not matter. */
export function chooseKept(group: readonly DatedBackup[], policy: KeepPolicy, context: KeepContext): Map<string, KeepReason[]> {
  const { nowMs, damaged } = context
  const kept = new Map<string, KeepReason[]>()
  const keep = ({ id }: DatedBackup, reason: KeepReason): void => {
    const reasons = kept.get(id) ?? []
    if (reason.rule !== 'damaged' || !reasons.some(({ rule }) => rule === 'damaged')) reasons.push(reason)
    kept.set(id, reasons)
  }
  const isPast = ({ created }: DatedBackup): boolean => Date.parse(created) <= nowMs
  const newestFirst = group.filter(isPast).sort((a, b) => Date.parse(b.created) - Date.parse(a.created) || (a.id < b.id ? 1 : -1))
  const newest = newestFirst.find(({ id }) => !damaged.has(id))
  for (const backup of group) if (!isPast(backup)) keep(backup, { rule: 'undated' })
  if (newest === undefined) for (const backup of newestFirst) keep(backup, { rule: 'damaged' })
  else countOut(newestFirst, policy, context, keep)
  const { withinMs, tags = [] } = policy
  if (withinMs !== undefined) keepWithin(newestFirst, withinMs, context, keep)
  for (const backup of group) for (const tag of tags) if (backup.tags.includes(tag)) keep(backup, { rule: 'tag', tag })
  const newestComplete = newestFirst.find(({ id, lacks = [] }) => !damaged.has(id) && lacks.length === 0)
  for (const backup of [newest, newestComplete]) if (backup !== undefined && !kept.has(backup.id)) keep(backup, { rule: 'newest' })
  return kept
}

/** Longer than anything that runs every now and then is away. */
const longGapMs = 90 * 86_400_000

/**
 * After a long gap it is not known whether so much time has passed, or a clock is wrong: until half of the rule's time has been seen
 * to pass since, what the rule kept before the gap stays.
 */
function keepWithin(newestFirst: readonly DatedBackup[], ms: number, { damaged }: KeepContext, keep: (backup: DatedBackup, reason: KeepReason) => void): void {
  const times = newestFirst.filter(({ id }) => !damaged.has(id)).map(({ created }) => Date.parse(created))
  const [newest] = times
  if (newest === undefined) return
  const gap = times.findIndex((time, at) => time - (times[at + 1] ?? time) > longGapMs)
  const since = times[gap] ?? -Infinity
  const beforeGap = newest - since < ms / 2 ? times[gap + 1] : undefined
  for (const backup of newestFirst) {
    const time = Date.parse(backup.created)
    if (time >= newest - ms) keep(backup, { rule: 'within', ms })
    else if (beforeGap !== undefined && time <= beforeGap && time >= beforeGap - ms) keep(backup, { rule: 'within', ms, beforeGap: true })
  }
}

/** Of as many hours, days … as the rule says, and that have a backup, the newest of each. */
function countOut(newestFirst: readonly DatedBackup[], policy: KeepPolicy, { timeZone, damaged }: KeepContext, keep: (backup: DatedBackup, reason: KeepReason) => void): void {
  const bucketOf = bucketsIn(timeZone)
  for (const rule of ['last', ...periods] as const) {
    const of = policy[rule] ?? 0
    const filled = new Set<string>()
    for (const backup of newestFirst) {
      const bucket = rule === 'last' ? backup.id : bucketOf(rule, Date.parse(backup.created))
      if (filled.has(bucket)) continue
      if (filled.size >= of) break
      if (damaged.has(backup.id)) {
        keep(backup, { rule: 'damaged' })
        continue
      }
      filled.add(bucket)
      keep(backup, rule === 'last' ? { rule, number: filled.size, of } : { rule, number: filled.size, of, bucket })
    }
  }
}
