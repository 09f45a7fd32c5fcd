/** A night's backup. */
export type Night = { readonly id: string; readonly at: number }

export type Rules = { readonly daily: number; readonly weekly: number; readonly monthly: number; readonly yearly: number; readonly withinDays: number }

const dayMs = 86_400_000

/** Ids of what the rules keep, sorted: told once more, in another way than the program does it. In UTC. */
export function keptBy(nights: readonly Night[], rules: Rules, now: number): string[] {
  const kept = new Set(nights.filter(({ at }) => at > now).map(({ id }) => id))
  const past = nights.filter(({ at }) => at <= now).sort((one, other) => other.at - one.at)
  const dayOf = (at: number): number => Math.floor(at / dayMs)
  const buckets: readonly (readonly [number, (at: number) => number | string])[] = [
    [rules.daily, dayOf],
    // The first day of all was a Thursday.
    [rules.weekly, at => Math.floor((dayOf(at) + 3) / 7)],
    [rules.monthly, at => new Date(at).toISOString().slice(0, 7)],
    [rules.yearly, at => new Date(at).getUTCFullYear()],
  ]
  for (const [count, bucketOf] of buckets) {
    const newest = new Map<number | string, string>()
    for (const { id, at } of past) if (!newest.has(bucketOf(at))) newest.set(bucketOf(at), id)
    for (const id of [...newest.values()].slice(0, count)) kept.add(id)
  }
  const [first, second] = past
  const since = (anchor: Night | undefined): void => {
    for (const { id, at } of past) if (anchor !== undefined && at <= anchor.at && at >= anchor.at - rules.withinDays * dayMs) kept.add(id)
  }
  since(first)
  if (first !== undefined && second !== undefined && first.at - second.at > 90 * dayMs) since(second)
  return [...kept].sort()
}
