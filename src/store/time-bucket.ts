export const periods = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const

export type Period = (typeof periods)[number]

/**
 * Names the hour, day, ISO week, month or year that a moment lies in, by the clock on the wall of a time zone: `2026-11-21`,
 * `2026-W47`. An hour carries its distance from UTC, so that the one that comes twice in autumn is two.
 */
export function bucketsIn(timeZone: string): (period: Period, atMs: number) => string {
  const format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', { timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
  return (period, atMs) => {
    const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]))
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts
    if (period === 'yearly') return String(year)
    if (period === 'monthly') return `${year}-${two(month)}`
    if (period === 'weekly') return isoWeek(year, month, day)
    if (period === 'daily') return `${year}-${two(month)}-${two(day)}`
    const eastMinutes = Math.round((Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000) / 60_000)
    return `${year}-${two(month)}-${two(day)} ${two(hour)}h${offset(eastMinutes)}`
  }
}

/** A week belongs to the year that has its Thursday. */
function isoWeek(year: number, month: number, day: number): string {
  const date = new Date(Date.UTC(year, month - 1, day))
  date.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7))
  const ofYear = date.getUTCFullYear()
  return `${ofYear}-W${two(Math.ceil(((date.getTime() - Date.UTC(ofYear, 0, 1)) / 86_400_000 + 1) / 7))}`
}

function offset(eastMinutes: number): string {
  const minutes = Math.abs(eastMinutes)
  return `${eastMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
