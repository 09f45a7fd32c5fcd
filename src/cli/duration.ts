import { DrayError } from '../errors/dray-error.ts'

const second = 1000
const day = 86_400 * second
/** The longest month and year: what is kept for a month is kept for every month. */
const units = { s: second, min: 60 * second, h: 3600 * second, d: day, w: 7 * day, mo: 31 * day, y: 366 * day } as const

/** Milliseconds of `30d`, `12h`, `1y6mo`; `0` needs no unit. Throws `usage`, also for `m`: it could be minutes or months. */
export function parseDuration(text: string, option: string): number {
  if (text === '0') return 0
  const parts = [...text.matchAll(/(\d+)([a-z]+)/g)]
  const wrong = (why: string): DrayError => new DrayError('usage', `"${text}" of --${option} is not a duration${why}`, { hints: ['for example 90min, 12h, 30d, 8w, 6mo, 1y6mo'] })
  if (parts.some(([, , unit]) => unit === 'm')) throw wrong(': "m" could be minutes or months, write "min" or "mo"')
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) throw wrong(/^\d+$/.test(text) ? ': it needs a unit' : '')
  return parts.reduce((sum, [, count, unit = '']) => {
    if (!(unit in units)) throw wrong(`: "${unit}" is not a unit`)
    return sum + Number(count) * units[unit as keyof typeof units]
  }, 0)
}
