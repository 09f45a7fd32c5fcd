import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { chooseKept, type DatedBackup, type KeepContext, type KeepPolicy } from '../../../src/store/keep-policy.ts'
import { bucketsIn, periods } from '../../../src/store/time-bucket.ts'

const start = Date.UTC(2023, 11, 20)
const nowMs = start + 900 * 86_400_000
const counts = ['last', ...periods] as const

const created = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 900 * 24 * 60 }).map(minutes => new Date(start + minutes * 60_000).toISOString()) },
  // Around the end of a year, and the hours that come twice and not at all.
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(Date.UTC(2024, 11, 31), Date.UTC(2024, 9, 27), Date.UTC(2025, 2, 30), Date.UTC(2025, 11, 29)), fc.integer({ min: -300, max: 1800 })).map(([at, minutes]) => new Date(at + minutes * 60_000).toISOString()) },
  { weight: 1, arbitrary: fc.constantFrom('', 'yesterday', '2199-01-01T00:00:00Z') },
)
const group = fc.array(fc.record({ created, tags: fc.subarray(['a', 'b']), isDamaged: fc.integer({ min: 0, max: 4 }).map(n => n === 0) }), { maxLength: 60 })
  .map(made => made.map((each, at) => ({ ...each, id: `b${at}` })))
const count = fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined })
const policy = fc.record({ last: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count, withinMs: fc.option(fc.integer({ min: 0, max: 200 * 86_400_000 }), { nil: undefined }), tags: fc.subarray(['a', 'b']) })
  .map(made => Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)) as KeepPolicy)
const timeZone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Apia', 'Australia/Lord_Howe')

type Made = readonly (DatedBackup & { readonly isDamaged: boolean })[]
const context = (backups: Made, zone: string): KeepContext => ({ nowMs, timeZone: zone, damaged: new Set(backups.filter(({ isDamaged }) => isDamaged).map(({ id }) => id)) })
const keptOf = (backups: Made, rules: KeepPolicy, zone: string): Set<string> => new Set(chooseKept(backups, rules, context(backups, zone)).keys())
const isPast = ({ created: at }: DatedBackup): boolean => Date.parse(at) <= nowMs
const whole = (backups: Made): Made => backups.filter(each => isPast(each) && !each.isDamaged)

describe('what a policy keeps', () => {
  test('the newest complete one of a group always stays, and nothing goes when none is complete', () => {
    fc.assert(fc.property(group, policy, timeZone, (backups, rules, zone) => {
      const kept = keptOf(backups, rules, zone)
      const times = whole(backups).map(({ created: at }) => Date.parse(at))
      if (times.length === 0) expect(kept.size).toBe(backups.length)
      else expect(whole(backups).some(({ id, created: at }) => kept.has(id) && Date.parse(at) === Math.max(...times))).toBe(true)
    }))
  })

  test('keep-last keeps exactly so many complete ones, the newest', () => {
    fc.assert(fc.property(group, fc.integer({ min: 1, max: 70 }), timeZone, (backups, last, zone) => {
      const kept = keptOf(backups, { last }, zone)
      const staying = whole(backups).filter(({ id }) => kept.has(id))
      expect(staying).toHaveLength(Math.min(last, whole(backups).length))
      const oldest = Math.min(...staying.map(({ created: at }) => Date.parse(at)))
      for (const { id, created: at } of whole(backups)) if (!kept.has(id)) expect(Date.parse(at)).toBeLessThanOrEqual(oldest)
    }))
  })

  test('a higher number, a longer time and a further mark only keep more', () => {
    fc.assert(fc.property(group, policy, policy, timeZone, (backups, one, other, zone) => {
      const more: Record<string, unknown> = { ...other, ...one, tags: [...(one.tags ?? []), ...(other.tags ?? [])] }
      for (const rule of [...counts, 'withinMs'] as const) if (one[rule] !== undefined) more[rule] = one[rule] + (other[rule] ?? 0)
      const kept = keptOf(backups, more, zone)
      for (const id of keptOf(backups, one, zone)) expect(kept).toContain(id)
    }))
  })

  test('rules together keep what each of them keeps, and no more', () => {
    fc.assert(fc.property(group, policy, timeZone, (backups, rules, zone) => {
      const each = Object.entries(rules).map(([rule, value]) => keptOf(backups, { [rule]: value }, zone))
      const always = keptOf(backups, {}, zone)
      const byRules = new Set(each.flatMap(kept => [...kept]))
      const together = keptOf(backups, rules, zone)
      for (const id of together) expect(byRules.has(id) || always.has(id)).toBe(true)
      // A rule alone keeps the newest in any case; together they may keep it by a rule.
      for (const id of byRules) expect(together).toContain(id)
    }))
  })

  test('the order of the list does not matter', () => {
    fc.assert(fc.property(group, policy, timeZone, fc.infiniteStream(fc.nat()), (backups, rules, zone, ranks) => {
      const shuffled = backups.map(each => ({ each, rank: ranks.next().value ?? 0 })).sort((a, b) => a.rank - b.rank).map(({ each }) => each)
      expect(new Map([...chooseKept(shuffled, rules, context(backups, zone))].sort())).toEqual(new Map([...chooseKept(backups, rules, context(backups, zone))].sort()))
    }))
  })

  test('forgetting twice forgets nothing more', () => {
    fc.assert(fc.property(group, policy, timeZone, (backups, rules, zone) => {
      const kept = keptOf(backups, rules, zone)
      const left = backups.filter(({ id }) => kept.has(id))
      expect(keptOf(left, rules, zone)).toEqual(kept)
    }))
  })

  test('of an hour, day, week, month or year the newest complete one stays, and of no more of them than the rule says', () => {
    fc.assert(fc.property(group, fc.constantFrom(...periods), fc.integer({ min: 1, max: 12 }), timeZone, (backups, rule, number, zone) => {
      const bucketOf = bucketsIn(zone)
      const kept = keptOf(backups, { [rule]: number }, zone)
      const staying = whole(backups).filter(({ id }) => kept.has(id))
      const buckets = staying.map(({ created: at }) => bucketOf(rule, Date.parse(at)))
      expect(new Set(buckets).size).toBe(buckets.length)
      expect(buckets).toHaveLength(Math.min(number, new Set(whole(backups).map(({ created: at }) => bucketOf(rule, Date.parse(at)))).size))
      for (const { created: at } of whole(backups)) {
        const newer = staying.find(each => bucketOf(rule, Date.parse(each.created)) === bucketOf(rule, Date.parse(at)))
        if (newer) expect(Date.parse(newer.created)).toBeGreaterThanOrEqual(Date.parse(at))
      }
    }))
  })
})

describe('the hour, day, week, month and year of a moment', () => {
  test('later moments are never in earlier ones, and hours are of one hour', () => {
    fc.assert(fc.property(fc.integer({ min: start, max: nowMs }), fc.integer({ min: 0, max: 40 * 3_600_000 }), timeZone, (at, later, zone) => {
      const bucketOf = bucketsIn(zone)
      for (const period of ['daily', 'weekly', 'monthly', 'yearly'] as const) expect(bucketOf(period, at) <= bucketOf(period, at + later)).toBe(true)
      if (bucketOf('hourly', at) === bucketOf('hourly', at + later)) expect(later).toBeLessThan(3_600_000)
    }))
  })

  test('a year has 52 or 53 weeks, each of seven days', () => {
    const bucketOf = bucketsIn('UTC')
    const days = new Map<string, number>()
    for (let day = Date.UTC(2001, 0, 1); day < Date.UTC(2041, 0, 1); day += 86_400_000) days.set(bucketOf('weekly', day), (days.get(bucketOf('weekly', day)) ?? 0) + 1)
    expect([...days.values()].slice(0, -1).every(each => each === 7)).toBe(true)
    for (let year = 2001; year < 2040; year++) expect([52, 53]).toContain([...days.keys()].filter(each => each.startsWith(`${year}-`)).length)
  })
})
