/** Compact JSON as Go's encoder writes it, which escapes what HTML would read. Members stay in the order of the object. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, each => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Go's own spelling of a duration: 90 s is "1m30s". */
export function spelledDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s'
  if (nanoseconds < 1e9) return nanoseconds % 1e6 === 0 || nanoseconds > 1e6 ? `${nanoseconds / 1e6}ms` : `${nanoseconds / 1e3}µs`
  const seconds = nanoseconds / 1e9
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${Number((seconds % 60).toFixed(9))}s`
}
