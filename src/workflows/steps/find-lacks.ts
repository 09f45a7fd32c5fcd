import type { CaptureReport } from '../mount-content.ts'
import type { MountPlan } from './plan-mounts.ts'
import type { OpenMount } from './read-mounts.ts'

export type LacksJob = { readonly withImage: boolean; readonly plan: MountPlan; readonly opened: readonly OpenMount[]; readonly reports: readonly CaptureReport[] }

/**
 * What of the container's own a backup does not hold, in words; none makes it complete. What can never be captured, and what is
 * the host's and was not asked for, does not count.
 */
export function findLacks({ withImage, plan: { leftOut, missing }, opened, reports }: LacksJob): string[] {
  const excluded = leftOut.filter(({ isExcluded }) => isExcluded === true)
  const unread = opened.flatMap(({ mount: { label } }, at) => {
    const { length } = reports[at]?.problems ?? []
    return length === 0 ? [] : [`${length} ${length === 1 ? 'entry' : 'entries'} of ${label} that could not be read as they were`]
  })
  return [
    ...(withImage ? [] : ['its image']),
    ...[...excluded, ...missing].map(({ source, destination, reason }) => `${source} at ${destination} (${reason})`),
    ...unread,
  ]
}
