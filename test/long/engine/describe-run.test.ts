import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { specCases } from '../../engine/engine/spec-cases.ts'
import { casesFor, startSpecHost, type SpecHost } from '../../engine/engine/spec-lab.ts'
import { describeCase } from '../../engine/engine/described.ts'

/** What docker run cannot say, by case and engine. */
const gaps: Readonly<Record<string, readonly string[]>> = {}

describe.each([['20.10', '1.41'], ['26.1', '1.45'], ['28.5', '1.51']] as const)('a container of engine %s as a docker run line', (name, api) => {
  let host: SpecHost

  beforeAll(async () => {
    host = await startSpecHost(name)
  }, 300_000)
  afterAll(async () => {
    await host[Symbol.asyncDispose]()
  })

  test('there are cases', () => {
    expect(casesFor(api).length).toBeGreaterThan(specCases.length / 2)
  })

  test.each(casesFor(api))('$name', async each => {
    const described = await describeCase(host, each)
    if (described.comparison.differences.length > 0) console.log(described.text)
    expect(described.comparison.differences).toEqual([])
    expect(described.gaps).toEqual(gaps[each.name] ?? [])
  }, 60_000)
})
