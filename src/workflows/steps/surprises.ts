import type { CaptureReport } from '../mount-content.ts'
import type { CapturedDump } from './capture-dump.ts'
import type { Base, Size } from './find-base.ts'
import type { OpenMount } from './read-mounts.ts'

const smallestBytes = 1024 * 1024

export type Captured = {
  readonly names: readonly string[]
  readonly opened: readonly OpenMount[]
  readonly reports: readonly CaptureReport[]
  readonly dumps: readonly CapturedDump[]
  /** Volumes and paths that are mounted and not captured. */
  readonly leftOut: readonly string[]
}

/**
 * What suddenly holds less than half of what it held in the last backup, in words: an empty backup is found months later. Mounts and
 * dumps one by one; if none of them, all mounts together: one may be mounted no more, or another in its place.
 */
export function findSurprises(captured: Captured, bases: readonly Base[]): string[] {
  const { opened, reports, dumps } = captured
  const last = bases.map(({ id }) => id).sort().at(-1)
  if (last === undefined) return []
  const say = (what: string, now: Size | undefined, before: Size | undefined): string[] => (now !== undefined && before !== undefined && isMuchLess(now, before) ? [`${what} much less than in backup ${last}: ${now.entries} ${now.entries === 1 ? 'entry' : 'entries'} with ${now.dataBytes} bytes instead of ${before.entries} with ${before.dataBytes}`] : [])
  const single = [
    ...opened.flatMap(({ mount, base }, at) => say(`${mount.label} holds`, reports[at]?.facts, base?.facts)),
    ...dumps.flatMap(({ described }) => say(`the dump "${described.label}" holds`, described, bases.map(base => base.dumpOf(described.source)).find(dump => dump !== undefined))),
  ]
  if (single.length > 0) return single
  const { names, leftOut } = captured
  const before = [...new Map(bases.flatMap(base => base.mounts).map(mount => [mount.source, mount])).values()].filter(({ source }) => !leftOut.includes(source))
  const gone = before.filter(({ source }) => !opened.some(({ mount: { target } }) => (target.kind === 'volume' ? target.name : target.path) === source))
  if (gone.length === 0) return []
  return say(`the mounts of ${names.map(name => `"${name}"`).join(', ')} together hold`, total(reports.map(({ facts }) => facts)), total(before)).map(text => `${text}; not mounted any more: ${gone.map(({ label }) => label).join(', ')}`)
}

function isMuchLess(now: Size, before: Size): boolean {
  return (before.dataBytes >= smallestBytes && now.dataBytes < before.dataBytes / 2) || (before.entries > 10 && now.entries < before.entries / 2)
}

function total(sizes: readonly Size[]): Size {
  return { entries: sizes.reduce((sum, { entries }) => sum + entries, 0), dataBytes: sizes.reduce((sum, { dataBytes }) => sum + dataBytes, 0) }
}
