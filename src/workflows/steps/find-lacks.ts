import type { CaptureReport } from '../mount-content.ts'
import type { MountPlan } from './plan-mounts.ts'
import type { OpenMount } from './read-mounts.ts'

export type LacksJob = { readonly withImage: boolean; readonly plans: readonly Pick<MountPlan, 'leftOut' | 'missing'>[]; readonly opened: readonly OpenMount[]; readonly reports: readonly CaptureReport[] }

/**
 * What of the containers' own a backup does not hold, in words; none makes it complete. What can never be captured, and what is
 * the host's and was not asked for, does not count.
 */
export function findLacks({ withImage, plans, opened, reports }: LacksJob): string[] {
  const left = plans.flatMap(({ leftOut, missing }) => [...leftOut.filter(({ isExcluded }) => isExcluded === true), ...missing])
  const unread = opened.flatMap(({ mount: { label } }, at) => {
    const { length } = reports[at]?.problems ?? []
    return length === 0 ? [] : [`${length} ${length === 1 ? 'entry' : 'entries'} of ${label} that could not be read as they were`]
  })
  return [
    ...(withImage ? [] : [plans.length > 1 ? 'its images' : 'its image']),
    ...new Set(left.map(({ source, destination, reason }) => `${source} at ${destination} (${reason})`)),
    ...unread,
  ]
}
