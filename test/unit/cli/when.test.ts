import { describe, expect, test } from '@jest/globals'
import { parseWhen, sayWhen, toCalendar, toCron } from '../../../src/cli/schedule/when.ts'

describe('a time of a schedule', () => {
  test.each([
    ['02:30', '*-*-* 02:30:00', '30 2 * * *', 'every day at 02:30'],
    ['7:05', '*-*-* 07:05:00', '5 7 * * *', 'every day at 07:05'],
    ['Mon..Fri 02:30', 'Mon,Tue,Wed,Thu,Fri *-*-* 02:30:00', '30 2 * * 1,2,3,4,5', 'Mon, Tue, Wed, Thu, Fri at 02:30'],
    ['sat,sunday 23:59', 'Sat,Sun *-*-* 23:59:00', '59 23 * * 0,6', 'Sat, Sun at 23:59'],
    ['Fri..Mon 04:00', 'Mon,Fri,Sat,Sun *-*-* 04:00:00', '0 4 * * 0,1,5,6', 'Mon, Fri, Sat, Sun at 04:00'],
    ['Mon..Sun 04:00', '*-*-* 04:00:00', '0 4 * * *', 'every day at 04:00'],
    ['hourly', '*-*-* *:00:00', '0 * * * *', 'every hour at minute 00'],
    ['Weekly', 'Sun *-*-* 03:00:00', '0 3 * * 0', 'Sun at 03:00'],
    ['monthly', '*-*-01 04:00:00', '0 4 1 * *', 'on day 1 of each month at 04:00'],
  ])('%s', (text, calendar, cron, said) => {
    const when = parseWhen(text)
    expect([toCalendar(when), toCron(when), sayWhen(when)]).toEqual([calendar, cron, said])
  })

  test.each(['', '24:00', '02:60', '2', 'Mo 02:00', 'Mon..Tue..Wed 02:00', 'Mon, 02:00', '0 2 * * *', 'yearly'])('%j is none', text => expect(() => parseWhen(text)).toThrow('is not a time that a schedule can have'))
})
