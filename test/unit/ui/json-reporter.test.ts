import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { jsonEventMeanings, type JsonEvent } from '../../../src/ui/json-events.ts'
import { JsonReporter } from '../../../src/ui/json-reporter.ts'

beforeEach(() => {
  jest.useFakeTimers()
})

afterEach(() => {
  jest.useRealTimers()
})

function play(): JsonEvent[] {
  const events: JsonEvent[] = []
  const reporter = new JsonReporter(event => void events.push(event))
  reporter.stepStarted('copy data')
  const transfer = reporter.transfer('volume data')
  transfer.add(1000)
  jest.advanceTimersByTime(1000)
  transfer.expect(4000)
  transfer.add(1000)
  jest.advanceTimersByTime(1000)
  transfer.end()
  transfer.end()
  reporter.note('a note')
  reporter.warn('a warning')
  reporter.stepEnded('copy data', 'failed')
  reporter.compensated('undo', 'restart web')
  reporter.compensated('cleanup', 'drop helper', 'busy')
  reporter.stop()
  jest.advanceTimersByTime(10_000)
  return events
}

test('every call is an event; transfers tell how far they are each second until they end', () => {
  expect(play()).toEqual([
    { event: 'step', name: 'copy data', state: 'started' },
    { event: 'transfer', name: 'volume data', bytes: 1000, bytesPerSecond: 1000, state: 'running' },
    { event: 'transfer', name: 'volume data', bytes: 2000, totalBytes: 4000, bytesPerSecond: 1000, state: 'running' },
    { event: 'transfer', name: 'volume data', bytes: 2000, milliseconds: 2000, state: 'done' },
    { event: 'note', text: 'a note' },
    { event: 'warning', text: 'a warning' },
    { event: 'step', name: 'copy data', state: 'failed' },
    { event: 'undo', name: 'restart web' },
    { event: 'cleanup', name: 'drop helper', problem: 'busy' },
  ])
})

test('what is said of one of several works says of which', () => {
  const events: JsonEvent[] = []
  const reporter = new JsonReporter(event => void events.push(event))
  const part = reporter.of('web')
  part.stepStarted('copy data')
  part.transfer('volume data').add(1000)
  jest.advanceTimersByTime(1000)
  reporter.stop()
  jest.advanceTimersByTime(10_000)
  expect(events).toEqual([
    { event: 'step', name: 'copy data', state: 'started', of: 'web' },
    { event: 'transfer', name: 'volume data', bytes: 1000, bytesPerSecond: 1000, state: 'running', of: 'web' },
  ])
})

test('docs/json-events.md has every kind with its meaning, and an example with the fields that are sent', () => {
  const page = readFileSync(new URL('../../../../docs/json-events.md', import.meta.url), 'utf8')
  const rows = page.split('\n').filter(line => line.startsWith('| `'))
  expect(rows).toEqual(Object.entries(jsonEventMeanings).map(([kind, meaning]) => `| \`${kind}\` | ${meaning} |`))
  const examples = page.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line) as JsonEvent)
  expect(new Set(examples.map(({ event }) => event))).toEqual(new Set(Object.keys(jsonEventMeanings)))
  const shape = (event: JsonEvent): string => `${event.event} ${String(event['state'])} ${Object.keys(event).sort().join(',')}`
  const shown = new Set(examples.map(shape))
  for (const event of play()) expect(shown).toContain(shape(event))
})
