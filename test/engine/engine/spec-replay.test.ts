import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { noRemaps } from '../../../src/engine/spec/remap-record.ts'
import { describeCase } from './described.ts'
import { specCases } from './spec-cases.ts'
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

  const named = (name: string) => specCases.find(each => each.name === name)!

  test('with another name and other ports, and no other difference', async () => {
    const { comparison, restored } = await replayCase(spec, spec, named('ports'), { name: 'ports-peer', remaps: { ...noRemaps, ports: new Map([['127.0.0.1:18080', '28080']]) } })
    expect(comparison.differences).toEqual([])
    expect(restored.inspect.HostConfig['PortBindings']).toMatchObject({ '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '28080' }] })
  }, 30_000)

  test('with the mounts of volumes-from written out where the other container is not there', async () => {
    const { comparison, restored } = await replayCase(spec, spec, named('volumes-from'), { peers: new Map() })
    expect(comparison.differences).toEqual([])
    expect(comparison.announced.map(({ field }) => field).sort()).toEqual(['HostConfig.Mounts', 'HostConfig.VolumesFrom'])
    expect(restored.inspect.Mounts).toHaveLength(3)
  }, 30_000)

  test('with anonymous volumes that go with the container, as they would have', async () => {
    const { restored, outlived } = await replayCase(spec, spec, named('anonymous-volumes'))
    expect(restored.volumes).toHaveLength(3)
    expect(outlived).toEqual([])
  }, 30_000)

  test('and when what describe prints is run, but for what it says it cannot express, in a few of the cases', async () => {
    for (const name of ['command-and-env', 'two-networks', 'mounts', 'health', 'terminal']) {
      const { comparison, gaps } = await describeCase(spec, named(name))
      expect(comparison.differences).toEqual([])
      expect(gaps).toEqual([])
    }
  }, 30_000)
})
