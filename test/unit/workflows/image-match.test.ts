import { expect, test } from '@jest/globals'
import type { ImageInspect, JsonObject } from '../../../src/engine/api-types.ts'
import { differenceFrom } from '../../../src/workflows/steps/image-match.ts'

const check = { Test: ['NONE'], Interval: 2e9, StartPeriod: 32e9 }
const difference = (sent: JsonObject, found: JsonObject): string | undefined => differenceFrom({ layers: [], config: Buffer.from(JSON.stringify({ config: sent })) }, { RootFS: { Layers: [] }, Config: found } as unknown as ImageInspect)

test('a start interval that an engine does not know, and leaves out, does not make it another image', () => {
  expect(difference({ Healthcheck: { ...check, StartInterval: 82e9 } }, { Healthcheck: check })).toBeUndefined()
  expect(difference({ Healthcheck: { StartInterval: 82e9 } }, {})).toBeUndefined()
})

test('another start interval does, and so does anything else', () => {
  expect(difference({ Healthcheck: { ...check, StartInterval: 82e9 } }, { Healthcheck: { ...check, StartInterval: 1e9 } })).toContain('its Healthcheck is')
  expect(difference({ Healthcheck: { ...check, StartInterval: 82e9 } }, { Healthcheck: { ...check, Interval: 1e9 } })).toContain('its Healthcheck is')
  expect(difference({ Healthcheck: check }, { Healthcheck: { ...check, StartInterval: 1e9 } })).toContain('its Healthcheck is')
})
