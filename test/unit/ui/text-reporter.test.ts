import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { TextReporter } from '../../../src/ui/text-reporter.ts'
import { Page, Screen } from './screen.ts'

beforeEach(() => {
  jest.useFakeTimers()
})

afterEach(() => {
  jest.useRealTimers()
})

const stream = (fake: Page | Screen): NodeJS.WriteStream => fake as unknown as NodeJS.WriteStream

/** A backup that fails: a transfer of 21 s, a warning, an undo, a cleanup that fails. */
function play(reporter: TextReporter): void {
  reporter.stepStarted('inspect')
  reporter.stepEnded('inspect', 'done')
  reporter.stepStarted('copy data')
  const transfer = reporter.transfer('volume data', 100 * 1024 * 1024)
  for (let second = 0; second < 21; second++) {
    transfer.add(2 * 1024 * 1024)
    jest.advanceTimersByTime(1000)
  }
  reporter.warn('"a\nb" vanished')
  transfer.end()
  reporter.stepEnded('copy data', 'failed')
  reporter.note('"web" rested for 0.42 s')
  reporter.compensated('undo', 'restart web')
  reporter.compensated('cleanup', 'remove staging')
  reporter.compensated('cleanup', 'drop helper', 'busy')
}

describe('where there is no terminal', () => {
  async function transcript(options: { quiet: boolean; verbose: boolean }): Promise<string> {
    const page = new Page()
    const reporter = new TextReporter({ stream: stream(page), live: false, ...options })
    await reporter.start()
    play(reporter)
    reporter.stop()
    jest.advanceTimersByTime(60_000)
    return page.text
  }

  test('a line for a transfer every ten seconds and at its end', async () => {
    expect(await transcript({ quiet: false, verbose: false })).toBe(`dray: volume data  20.0 MiB of 100 MiB  20%  2.0 MiB/s  40 s left
dray: volume data  40.0 MiB of 100 MiB  40%  2.0 MiB/s  30 s left
dray: warning: "a\\x0ab" vanished
dray: volume data: 42.0 MiB in 21 s
dray: "web" rested for 0.42 s
dray: undone: restart web
dray: warning: cleanup failed: drop helper: busy
`)
  })

  test('with -v every step too', async () => {
    const lines = (await transcript({ quiet: false, verbose: true })).split('\n')
    expect(lines).toEqual(expect.arrayContaining(['dray: inspect …', 'dray: inspect: done', 'dray: copy data …', 'dray: copy data: failed', 'dray: cleaned up: remove staging']))
  })

  test('with -q only what went wrong and what was done about it', async () => {
    expect(await transcript({ quiet: true, verbose: false })).toBe(`dray: warning: "a\\x0ab" vanished
dray: undone: restart web
dray: warning: cleanup failed: drop helper: busy
`)
  })
})

describe('on a terminal', () => {
  test.each([120, 80, 30, 12, 4])('of %i columns no line is wider, and in the end only whole lines stand there', async columns => {
    const screen = new Screen(columns)
    const reporter = new TextReporter({ stream: stream(screen), live: true, quiet: false, verbose: false })
    await reporter.start()
    reporter.stepStarted('copy the data of every volume of the whole project')
    const transfers = ['volume data', 'bind "/srv/uploads/of/some/very/long/path/that/does/not/end"'].map(name => reporter.transfer(name, 3_000_000_000))
    for (let tick = 0; tick < 30; tick++) {
      for (const transfer of transfers) transfer.add(7_654_321)
      jest.advanceTimersByTime(100)
    }
    expect(screen.widest).toBeLessThanOrEqual(columns)
    expect(screen.text.split('\n')).toHaveLength(3)
    reporter.stop()
    expect(screen.text).toBe('')
  })

  test('messages stand above the live lines, and stay', async () => {
    const screen = new Screen(80)
    const reporter = new TextReporter({ stream: stream(screen), live: true, quiet: false, verbose: false })
    await reporter.start()
    reporter.stepStarted('copy data')
    const transfer = reporter.transfer('volume data', 1000)
    transfer.add(500)
    jest.advanceTimersByTime(1000)
    reporter.warn('something is odd')
    jest.advanceTimersByTime(1000)
    const [first, second, third] = screen.text.split('\n')
    expect([first, second?.slice(2), third]).toEqual(['dray: warning: something is odd', 'copy data', expect.stringMatching(/^ {2}volume data {2}500 B of 1000 B|^ {2}volume data {2}500 B of 1.0 KiB {2}50%/)])
    transfer.end()
    reporter.stop()
    expect(screen.text).toBe('dray: warning: something is odd\ndray: volume data: 500 B in 2.0 s')
  })

  test('with -q nothing is drawn', async () => {
    const screen = new Screen(80)
    const reporter = new TextReporter({ stream: stream(screen), live: true, quiet: true, verbose: false })
    await reporter.start()
    reporter.stepStarted('copy data')
    reporter.transfer('volume data', 1000).add(10)
    jest.advanceTimersByTime(30_000)
    expect(screen.text).toBe('')
    reporter.stop()
  })

  test('a step\'s name cannot draw', async () => {
    const screen = new Screen(80)
    const reporter = new TextReporter({ stream: stream(screen), live: true, quiet: false, verbose: false })
    await reporter.start()
    reporter.stepStarted('copy "\u001b[2J"')
    jest.advanceTimersByTime(200)
    expect(screen.text.slice(2)).toBe('copy "\\x1b[2J"')
    reporter.stop()
  })
})
