import { DrayError } from '../../errors/dray-error.ts'

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
type Day = (typeof days)[number]

/** A repeated moment of local time. Without an hour it is of every hour; `days` are those of the week, all when empty. */
export type When = { readonly hour?: number; readonly minute: number; readonly days: readonly Day[]; readonly dayOfMonth?: number }

const named: Readonly<Record<string, When>> = {
  hourly: { minute: 0, days: [] },
  daily: { hour: 2, minute: 0, days: [] },
  weekly: { hour: 3, minute: 0, days: ['Sun'] },
  monthly: { hour: 4, minute: 0, days: [], dayOfMonth: 1 },
}

/** `02:30`, `Mon 02:30`, `Mon..Fri 02:30`, `Sat,Sun 02:30`, `hourly`, `daily` (02:00), `weekly` (Sundays, 03:00), `monthly` (on the 1st, 04:00). Throws `usage`. */
export function parseWhen(text: string): When {
  const known = named[text.toLowerCase()]
  if (known !== undefined) return known
  const [, week, hour, minute] = /^(?:(\S+)\s+)?(\d{1,2}):(\d{2})$/.exec(text.trim()) ?? []
  const chosen = week === undefined ? [] : parseDays(week)
  if (hour === undefined || minute === undefined || Number(hour) > 23 || Number(minute) > 59 || chosen === undefined) {
    throw new DrayError('usage', `"${text}" is not a time that a schedule can have`, { hints: ['for example 02:30, "Mon..Fri 02:30", "Sat,Sun 04:00", hourly, daily, weekly or monthly'] })
  }
  return { hour: Number(hour), minute: Number(minute), days: chosen }
}

function parseDays(text: string): readonly Day[] | undefined {
  const chosen = new Set<Day>()
  for (const part of text.split(',')) {
    const [first, last = first] = part.split('..').map(dayOf)
    if (first === undefined || last === undefined || part.split('..').length > 2) return undefined
    for (let at = first; ; at = (at + 1) % 7) {
      chosen.add(days[at] ?? 'Mon')
      if (at === last) break
    }
  }
  return chosen.size === 7 ? [] : days.filter(day => chosen.has(day))
}

function dayOf(text: string): number | undefined {
  const at = days.findIndex(day => day.toLowerCase() === text.slice(0, 3).toLowerCase())
  return at < 0 || text.length < 3 ? undefined : at
}

/** As systemd.time(7) has it. */
export function toCalendar({ hour, minute, days: week, dayOfMonth }: When): string {
  return `${week.length === 0 ? '' : `${week.join(',')} `}*-*-${dayOfMonth === undefined ? '*' : two(dayOfMonth)} ${hour === undefined ? '*' : two(hour)}:${two(minute)}:00`
}

/** The five fields of crontab(5). */
export function toCron({ hour, minute, days: week, dayOfMonth }: When): string {
  return [minute, hour ?? '*', dayOfMonth ?? '*', '*', week.length === 0 ? '*' : week.map(day => (days.indexOf(day) + 1) % 7).sort().join(',')].join(' ')
}

/** For people. */
export function sayWhen({ hour, minute, days: week, dayOfMonth }: When): string {
  if (hour === undefined) return `every hour at minute ${two(minute)}`
  const time = `${two(hour)}:${two(minute)}`
  if (dayOfMonth !== undefined) return `on day ${dayOfMonth} of each month at ${time}`
  return `${week.length === 0 ? 'every day' : week.join(', ')} at ${time}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
