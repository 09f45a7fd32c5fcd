import type { CaptureReport } from '../mount-content.ts'
import type { CapturedDump } from './capture-dump.ts'
import type { Base } from './find-base.ts'
import type { OpenMount } from './read-mounts.ts'

const smallestBytes = 1024 * 1024

type Size = { readonly entries: number; readonly dataBytes: number }

/** A mount or a dump that suddenly holds less than half of what it held in the last backup, in words: an empty backup is found months later. */
export function findSurprises(opened: readonly OpenMount[], reports: readonly CaptureReport[], dumps: readonly CapturedDump[], bases: readonly Base[]): string[] {
  const last = bases.map(({ id }) => id).sort().at(-1)
  if (last === undefined) return []
  const say = (label: string, now: Size | undefined, before: Size | undefined): string[] => {
    if (now === undefined || before === undefined) return []
    const isLess = before.dataBytes >= smallestBytes && now.dataBytes < before.dataBytes / 2
    const isEmpty = before.entries > 10 && now.entries < before.entries / 2
    return isLess || isEmpty ? [`${label} holds much less than in backup ${last}: ${now.entries} entries with ${now.dataBytes} bytes, then ${before.entries} with ${before.dataBytes}`] : []
  }
  return [
    ...opened.flatMap(({ mount, base }, at) => say(mount.label, reports[at]?.facts, base?.facts)),
    ...dumps.flatMap(({ described }) => say(`the dump "${described.label}"`, described, bases.map(base => base.dumpOf(described.source)).find(dump => dump !== undefined))),
  ]
}
