import type { CaptureReport } from '../mount-content.ts'
import type { Reporter } from '../reporter.ts'
import type { OpenMount } from './read-mounts.ts'

const smallestBytes = 1024 * 1024

/** A mount that suddenly holds much less than in the last backup is said aloud: an empty backup is found months later. */
export function warnOfSurprises(reporter: Reporter, opened: readonly OpenMount[], reports: readonly CaptureReport[], last: string | undefined): void {
  for (const [at, { mount, base: before }] of opened.entries()) {
    const now = reports[at]?.facts
    if (now === undefined || before === undefined || last === undefined) continue
    const isLess = before.facts.dataBytes >= smallestBytes && now.dataBytes < before.facts.dataBytes / 2
    const isEmpty = before.facts.entries > 10 && now.entries < before.facts.entries / 2
    if (isLess || isEmpty) reporter.warn(`${mount.label} holds much less than in backup ${last}: ${now.entries} entries with ${now.dataBytes} bytes, then ${before.facts.entries} with ${before.facts.dataBytes}`)
  }
}
