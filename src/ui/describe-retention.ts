import type { GarbageCounts } from '../store/garbage.ts'
import type { JudgedBackup, WhyKept } from '../workflows/forget.ts'
import type { GroupedBackup } from '../workflows/retention-groups.ts'
import { formatAge, formatBytes, formatCount, formatTime } from './format.ts'
import { renderTable, type Column } from './table.ts'

/** Every backup with why it stays, or that it goes; those of one container together. */
export function judgedTable(judged: readonly JudgedBackup[], width: number): string {
  const place = ({ subjects, backup }: JudgedBackup): string => `${backup.host} ${subjects.map(({ name }) => name).join()} ${backup.created}`
  return renderTable([...columns, { title: '', value: ({ because }) => (because.length === 0 ? 'goes' : 'stays') }, { title: 'WHY', value: whyText, shrink: true }], judged.toSorted((a, b) => (place(a) < place(b) ? -1 : 1)), width)
}

export function namedTable(named: readonly GroupedBackup[], width: number): string {
  return renderTable<GroupedBackup>(columns, named, width)
}

const columns: readonly Column<GroupedBackup>[] = [
  { title: 'BACKUP', value: ({ backup }) => backup.id },
  { title: 'CREATED', value: ({ backup }) => formatTime(backup.created) },
  { title: 'HOST', value: ({ backup }) => backup.host, shrink: true },
  { title: 'OF', value: ({ backup, subjects }) => subjects.map(({ name }) => name).join(', ') || backup.containers.join(', ') || '-', shrink: true },
  { title: 'TAGS', value: ({ backup }) => backup.tags.join(', '), shrink: true },
]

function whyText({ because, subjects }: JudgedBackup): string {
  if (because.length === 0) return 'no rule keeps it'
  return [...new Set(because.map(reason => `${reasonText(reason)}${subjects.length > 1 && 'subject' in reason && reason.rule !== 'other' ? ` of ${reason.subject.name}` : ''}`))].join(', ')
}

function reasonText(reason: WhyKept): string {
  switch (reason.rule) {
    case 'last': return `last ${reason.number} of ${reason.of}`
    case 'within': return `within ${formatAge(reason.ms)} of the newest${reason.beforeGap === true ? ' before a long gap' : ''}`
    case 'tag': return `marked "${reason.tag}"`
    case 'newest': return 'the last complete one'
    case 'damaged': return 'damaged: counts for no rule'
    case 'undated': return 'dated in the future'
    case 'replaced': return 'the way back of a restore: only by its id'
    case 'other': return `holds also ${reason.subject.kind} "${reason.subject.name}"`
    case 'unknown': return 'holds no container and no image'
    default: return `${reason.rule} ${reason.number} of ${reason.of} (${reason.bucket})`
  }
}

/** `12 backups stay, 3 go`, and what somebody should look at. */
export function judgedSummary(judged: readonly JudgedBackup[], done: boolean): string[] {
  const going = judged.filter(({ because }) => because.length === 0)
  const replaced = judged.filter(({ because }) => because.some(({ rule }) => rule === 'replaced'))
  return [
    `${done ? 'forgotten' : 'would forget'}: ${formatCount(going.length, 'backup')}; ${formatCount(judged.length - going.length, 'backup')} ${judged.length - going.length === 1 ? 'stays' : 'stay'}`,
    ...(replaced.length === 0 ? [] : [`what restores have replaced stays until it is named: dray forget ${replaced.map(({ backup }) => backup.id).slice(0, 5).join(' ')}${replaced.length > 5 ? ' …' : ''}`]),
  ]
}

/** Those that a rule would count on, if they were complete. */
export function damagedIn(judged: readonly JudgedBackup[]): string[] {
  return judged.filter(({ because }) => because.some(({ rule }) => rule === 'damaged')).map(({ backup }) => backup.id)
}

/** What a prune has freed, or would free, and why the rest is still there. */
export function pruneText({ removedBlobs, removedBytes, youngBlobs, youngBytes, keptBlobs, keptBytes }: GarbageCounts, graceMs: number, done: boolean): string[] {
  return [
    `${done ? 'freed' : 'would free'}: ${formatBytes(removedBytes)} in ${formatCount(removedBlobs, 'blob')}`,
    ...(youngBlobs === 0 ? [] : [`not freed: ${formatBytes(youngBytes)} in ${formatCount(youngBlobs, 'blob')} that no backup needs and that are younger than ${formatAge(graceMs)} (free them too with --grace 0)`]),
    `in use: ${formatBytes(keptBytes)} in ${formatCount(keptBlobs, 'blob')}`,
  ]
}

/** For `--json`. */
export function judgedJson(judged: readonly JudgedBackup[]): object[] {
  return judged.map(({ backup: { id, created, host, engine, containers, tags }, subjects, because }) => ({
    id, created, host, engine, containers, images: subjects.filter(({ kind }) => kind === 'image').map(({ name }) => name), tags, stays: because.length > 0,
    because: because.map(reason => ('subject' in reason ? { ...reason, subject: reason.subject.name } : reason)),
  }))
}
