import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { replayCase } from './spec-replay.ts'
import { casesFor, startSpecHost, type SpecHost } from './spec-lab.ts'

describe('a container of engine 20.10 is made again with the same spec', () => {
  let spec: SpecHost

  beforeAll(async () => {
    spec = await startSpecHost('20.10')
  }, 60_000)
  afterAll(async () => {
    await spec[Symbol.asyncDispose]()
  })

  test.each(casesFor('1.41'))('$name', async each => {
    const { comparison, request } = await replayCase(spec, spec, each)
    expect(comparison).toEqual({ differences: [], engineDefaults: each.name === 'exited' ? [expect.objectContaining({ field: 'State.Status' })] : [], announced: [] })
    expect(request.losses).toEqual([])
  }, 30_000)
})
