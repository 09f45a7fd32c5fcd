/** Nanoseconds in Go's words, which read back as the same number: 90000000000 is "90s". */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds % 1e9 === 0) return `${nanoseconds / 1e9}s`
  if (nanoseconds % 1e6 === 0) return `${nanoseconds / 1e6}ms`
  return nanoseconds % 1e3 === 0 ? `${nanoseconds / 1e3}us` : `${nanoseconds}ns`
}
