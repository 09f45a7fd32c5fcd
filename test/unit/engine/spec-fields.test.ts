import { describe, expect, test } from '@jest/globals'
import { configDerivations } from '../../../src/engine/spec/container-config.ts'
import { configFields } from '../../../src/engine/spec/container-fields.ts'
import type { FieldTable } from '../../../src/engine/spec/field-rule.ts'
import { hostConfigDerivations } from '../../../src/engine/spec/host-config.ts'
import { hostConfigFields } from '../../../src/engine/spec/host-config-fields.ts'
import { unknownFields } from '../../../src/engine/spec/unknown-fields.ts'
import { fixtureEngines, fixtureNames, fixtureRecord, requestFor, withHostConfig } from './spec-fixtures.ts'

const derivedIn = (table: FieldTable) => Object.entries(table).filter(([, { treated }]) => treated === 'derived').map(([field]) => field).sort()

test('every derived field has its derivation, and no other has one', () => {
  expect(Object.keys(configDerivations).sort()).toEqual(derivedIn(configFields))
  expect([...Object.keys(hostConfigDerivations), 'NetworkMode'].sort()).toEqual(derivedIn(hostConfigFields))
})

test.each(fixtureEngines)('engine %s writes no field that the tables do not know', engine => {
  for (const name of fixtureNames(engine)) expect(unknownFields(fixtureRecord(engine, name).inspect)).toEqual([])
})

describe('a field of a newer engine', () => {
  const plain = fixtureRecord('28.5', 'plain-created')

  test('is sent as it was recorded, and noted', () => {
    const { body, notes } = requestFor(withHostConfig(plain, { NewThing: { Deep: [1] } }))
    expect(body['HostConfig']).toHaveProperty('NewThing', { Deep: [1] })
    expect(notes).toEqual([{ field: 'HostConfig.NewThing', text: expect.stringContaining('does not know') }])
  })

  test('is a loss where create does not take it', () => {
    const { losses } = requestFor({ ...plain, inspect: { ...plain.inspect, NewState: 'x' } as never })
    expect(losses).toEqual([{ field: 'NewState', text: expect.stringContaining('does not know') }])
  })

  test('without a value is nothing', () => {
    expect(unknownFields(withHostConfig(plain, { NewThing: {} }).inspect)).toEqual([])
  })
})
