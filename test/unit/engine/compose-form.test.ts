import { expect, test } from '@jest/globals'
import { composeForm } from '../../../src/engine/forms/compose-form.ts'
import { toSubject } from '../../../src/engine/forms/subject.ts'
import { parseYaml } from '../../../src/files/yaml.ts'
import { fixtureRecord, withConfig, withHostConfig } from './spec-fixtures.ts'

test.each([
  ['labels', { 'x-odd': '$1', 'b': '' }, ['x-odd=$$1', 'b=']],
  ['labels', { a: '$1' }, { a: '$$1' }],
  ['annotations', { 'x-odd': '$1', 'b': '' }, ['x-odd=$$1', 'b=']],
  ['annotations', { a: '$1' }, { a: '$$1' }],
] as const)('%s %j: what compose would take for an extension stands in a list', (key, pairs, expected) => {
  const record = fixtureRecord('28.5', 'plain-created')
  const changed = key === 'labels' ? withConfig(record, { Labels: { ...pairs } }) : withHostConfig(record, { Annotations: { ...pairs } })
  const { text } = composeForm([toSubject(changed, { redact: false })])
  const { services } = parseYaml(text, { fileName: 'compose.yaml' }).value as { services: Record<string, Record<string, unknown>> }
  expect(services['plain-created']?.[key]).toEqual(expected)
})

test('an interval for a start that takes no time is left out, as newer versions of compose refuse it, and that is said', () => {
  const check = { Test: ['CMD', 'true'], StartInterval: 2e9 }
  const form = (more: object) => composeForm([toSubject(withConfig(fixtureRecord('28.5', 'plain-created'), { Healthcheck: { ...check, ...more } }), { redact: false })])
  expect(form({ StartPeriod: 9e9 })).toMatchObject({ gaps: expect.not.arrayContaining([expect.stringContaining('StartInterval')]), text: expect.stringContaining('start_interval: 2s') })
  expect(form({})).toMatchObject({ gaps: expect.arrayContaining([expect.stringContaining('Config.Healthcheck.StartInterval: ')]), text: expect.not.stringContaining('start_interval: 2s') })
})
