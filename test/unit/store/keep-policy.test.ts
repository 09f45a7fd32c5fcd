import { describe, expect, test } from '@jest/globals'
import { chooseKept, type KeepPolicy } from '../../../src/store/keep-policy.ts'
import { bucketsIn, type Period } from '../../../src/store/time-bucket.ts'

/** A backup is named by its time. */
const at = (...times: string[]) => times.map(time => ({ id: time, created: time.length > 10 ? time : `${time}T03:00:00Z`, tags: [] as string[] }))
const days = (first: string, count: number) => at(...Array.from({ length: count }, (_, n) => new Date(Date.parse(`${first}T00:00:00Z`) + n * 86_400_000).toISOString().slice(0, 10)))
const context = (more: { readonly timeZone?: string; readonly damaged?: readonly string[] } = {}) => ({ nowMs: Date.parse('2026-12-01T00:00:00Z'), timeZone: more.timeZone ?? 'UTC', damaged: new Set(more.damaged ?? []) })

describe('which stay', () => {
  const year = days('2026-01-01', 325)
  test.each<[string, ReturnType<typeof at>, KeepPolicy, string[]]>([
    ['the newest two', days('2026-11-01', 5), { last: 2 }, ['2026-11-04', '2026-11-05']],
    ['fewer than the rule would keep', days('2026-11-01', 2), { last: 5 }, ['2026-11-01', '2026-11-02']],
    ['the newest of each day', at('2026-11-01T01:00:00Z', '2026-11-01T05:00:00Z', '2026-11-02T01:00:00Z'), { daily: 2 }, ['2026-11-01T05:00:00Z', '2026-11-02T01:00:00Z']],
    ['days without a backup do not count', at('2026-03-01', '2026-07-01', '2026-11-01'), { daily: 2 }, ['2026-07-01', '2026-11-01']],
    ['a week ends with Sunday', days('2026-11-01', 16), { weekly: 3 }, ['2026-11-08', '2026-11-15', '2026-11-16']],
    ['a day may be kept for its day, its week and its month at once', days('2026-10-20', 20), { daily: 2, weekly: 2, monthly: 2 }, ['2026-10-31', '2026-11-01', '2026-11-07', '2026-11-08']],
    ['days, weeks, months and years of most of a year', year, { daily: 3, weekly: 3, monthly: 3, yearly: 3 }, ['2026-09-30', '2026-10-31', '2026-11-08', '2026-11-15', '2026-11-19', '2026-11-20', '2026-11-21']],
    ['within, counted from the newest', at('2026-01-01', '2026-01-20', '2026-02-01', '2026-02-10'), { withinMs: 21 * 86_400_000 }, ['2026-01-20', '2026-02-01', '2026-02-10']],
    ['within, where a clock was far ahead for a night and this one', [...days('2020-11-01', 4), ...days('2026-11-29', 2)], { withinMs: 7 * 86_400_000 }, ['2020-11-01', '2020-11-02', '2020-11-03', '2020-11-04', '2026-11-29', '2026-11-30']],
    ['within, when so long a time was seen to pass after a gap', [...days('2020-11-01', 4), ...days('2026-11-23', 5)], { withinMs: 7 * 86_400_000 }, ['2026-11-23', '2026-11-24', '2026-11-25', '2026-11-26', '2026-11-27']],
    ['within, seldom but regularly', at('2026-01-01', '2026-03-01', '2026-05-01'), { withinMs: 7 * 86_400_000 }, ['2026-05-01']],
    ['the newest, where no rule keeps it', days('2026-11-01', 3), {}, ['2026-11-03']],
    ['what lies in the future, beside what the rule keeps', [...days('2026-11-01', 3), ...at('2031-01-01')], { last: 1 }, ['2026-11-03', '2031-01-01']],
    ['what has no time, beside what the rule keeps', [...days('2026-11-01', 3), { id: 'odd', created: '', tags: [] }], { last: 1 }, ['2026-11-03', 'odd']],
  ])('%s', (_, backups, policy, kept) => {
    expect([...chooseKept(backups, policy, context()).keys()].sort()).toEqual(kept)
  })

  test('a mark keeps beside the rules, and takes no place of theirs', () => {
    const backups = days('2026-11-01', 4).map(each => ({ ...each, tags: each.id === '2026-11-01' ? ['release'] : [] }))
    expect([...chooseKept(backups, { last: 2, tags: ['release'] }, context()).keys()].sort()).toEqual(['2026-11-01', '2026-11-03', '2026-11-04'])
  })

  test('a damaged one stays and takes no place: the rule goes on to the next', () => {
    const kept = chooseKept(days('2026-11-01', 5), { last: 2 }, context({ damaged: ['2026-11-05', '2026-11-03'] }))
    expect([...kept]).toEqual([
      ['2026-11-05', [{ rule: 'damaged' }]], ['2026-11-04', [{ rule: 'last', number: 1, of: 2 }]],
      ['2026-11-03', [{ rule: 'damaged' }]], ['2026-11-02', [{ rule: 'last', number: 2, of: 2 }]],
    ])
  })

  test('within is counted from the newest complete one', () => {
    const kept = chooseKept(at('2026-01-01', '2026-01-10', '2026-03-01'), { withinMs: 10 * 86_400_000 }, context({ damaged: ['2026-03-01'] }))
    expect([...kept.keys()].sort()).toEqual(['2026-01-01', '2026-01-10', '2026-03-01'])
  })

  test('the newest that lacks nothing stays too, beside newer ones without the image', () => {
    const backups = days('2026-11-01', 5).map((each, number) => ({ ...each, lacks: number > 1 ? ['the image'] : [] }))
    expect([...chooseKept(backups, { last: 2 }, context()).keys()].sort()).toEqual(['2026-11-02', '2026-11-04', '2026-11-05'])
    expect([...chooseKept(backups, { last: 2 }, context({ damaged: ['2026-11-02'] })).keys()].sort()).toEqual(['2026-11-01', '2026-11-04', '2026-11-05'])
  })

  test('why', () => {
    expect(Object.fromEntries(chooseKept(days('2026-11-14', 3), { last: 1, daily: 2, weekly: 2, yearly: 1, withinMs: 86_400_000 }, context()))).toEqual({
      '2026-11-16': [{ rule: 'last', number: 1, of: 1 }, { rule: 'daily', number: 1, of: 2, bucket: '2026-11-16' }, { rule: 'weekly', number: 1, of: 2, bucket: '2026-W47' }, { rule: 'yearly', number: 1, of: 1, bucket: '2026' }, { rule: 'within', ms: 86_400_000 }],
      '2026-11-15': [{ rule: 'daily', number: 2, of: 2, bucket: '2026-11-15' }, { rule: 'weekly', number: 2, of: 2, bucket: '2026-W46' }, { rule: 'within', ms: 86_400_000 }],
    })
  })

  test('days are those of the time zone', () => {
    const backups = at('2026-11-20T22:30:00Z', '2026-11-20T23:30:00Z')
    expect([...chooseKept(backups, { daily: 2 }, context()).keys()]).toEqual(['2026-11-20T23:30:00Z'])
    expect([...chooseKept(backups, { daily: 2 }, context({ timeZone: 'Europe/Berlin' })).keys()]).toHaveLength(2)
  })

  test('the hour that comes twice in autumn is two hours', () => {
    const backups = at('2026-10-25T00:10:00Z', '2026-10-25T00:50:00Z', '2026-10-25T01:10:00Z', '2026-10-25T02:10:00Z')
    expect([...chooseKept(backups, { hourly: 9 }, context({ timeZone: 'Europe/Berlin' })).keys()].sort()).toEqual(['2026-10-25T00:50:00Z', '2026-10-25T01:10:00Z', '2026-10-25T02:10:00Z'])
  })
})

test.each<[string, string, Period, string]>([
  ['2026-01-01T00:00:00Z', 'UTC', 'weekly', '2026-W01'],
  ['2027-01-03T23:59:59Z', 'UTC', 'weekly', '2026-W53'],
  ['2027-01-04T00:00:00Z', 'UTC', 'weekly', '2027-W01'],
  ['2024-12-30T00:00:00Z', 'UTC', 'weekly', '2025-W01'],
  ['2026-12-31T23:30:00Z', 'Europe/Berlin', 'yearly', '2027'],
  ['2026-03-01T02:00:00Z', 'America/New_York', 'monthly', '2026-02'],
  ['2026-11-20T23:30:00Z', 'Europe/Berlin', 'daily', '2026-11-21'],
  ['2026-10-25T00:30:00Z', 'Europe/Berlin', 'hourly', '2026-10-25 02h+0200'],
  ['2026-10-25T01:30:00Z', 'Europe/Berlin', 'hourly', '2026-10-25 02h+0100'],
  ['2026-11-20T12:00:00Z', 'America/St_Johns', 'hourly', '2026-11-20 08h-0330'],
])('%s in %s is %s %s', (time, timeZone, period, bucket) => {
  expect(bucketsIn(timeZone)(period, Date.parse(time))).toBe(bucket)
})
