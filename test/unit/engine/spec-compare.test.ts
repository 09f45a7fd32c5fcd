import { describe, expect, test } from '@jest/globals'
import type { Json, JsonObject } from '../../../src/engine/api-types.ts'
import { compareSpecs, type SpecComparison } from '../../../src/engine/spec/compare-specs.ts'
import { configFields, endpointFields } from '../../../src/engine/spec/container-fields.ts'
import type { FieldRule } from '../../../src/engine/spec/field-rule.ts'
import { hostConfigFields } from '../../../src/engine/spec/host-config-fields.ts'
import { noRemaps } from '../../../src/engine/spec/remap-record.ts'
import type { ContainerRecord } from '../../../src/engine/spec/spec-record.ts'
import { fixtureEngines, fixtureNames, fixtureRecord, samePeers, withConfig, withHostConfig } from './spec-fixtures.ts'

function compared(recorded: ContainerRecord, restored: ContainerRecord, announced: string[] = []): SpecComparison {
  return compareSpecs(recorded, restored, { name: recorded.inspect.Name.slice(1), imageRef: recorded.inspect.Config.Image, remaps: noRemaps, peers: samePeers(recorded), announced })
}
const fieldsOf = ({ differences }: SpecComparison) => differences.map(({ field }) => field)
const plain = fixtureRecord('20.10', 'plain-created')
function changed(value: Json | undefined, rule: FieldRule | undefined): unknown {
  if (rule?.compared === 'keys' || (typeof value === 'object' && value !== null && !Array.isArray(value))) return { ...(value as JsonObject | null), added: 'x' }
  if (typeof value === 'number') return value + 7
  if (typeof value === 'boolean') return !value
  return rule?.compared === 'set' || Array.isArray(value) ? ['x'] : 'x'
}

describe.each(fixtureEngines)('records of engine %s', engine => {
  test.each(fixtureNames(engine))('%s equals itself, and a second reading as JSON', name => {
    const record = fixtureRecord(engine, name)
    expect(compared(record, JSON.parse(JSON.stringify(record)) as ContainerRecord)).toEqual({ differences: [], engineDefaults: [], announced: [] })
  })

  test('differ from each other in something', () => {
    const [image, other] = [fixtureRecord(engine, 'image-defaults'), fixtureRecord(engine, 'anonymous-volumes')]
    expect(fieldsOf(compared(image, { ...other, inspect: { ...other.inspect, Name: image.inspect.Name } }))).toEqual(['Config.Volumes./anonymous', 'Mounts./anonymous', 'Volumes./anonymous'])
  })
})

describe('a change is found', () => {
  test.each(Object.keys(configFields).filter(field => field !== 'Hostname'))('in Config.%s', field => {
    const after = withConfig(plain, { [field]: changed(plain.inspect.Config[field], configFields[field]) })
    expect(fieldsOf(compared(plain, after)).some(each => each.startsWith(`Config.${field}`))).toBe(true)
  })

  const derivedElsewhere = new Set(['Links', 'VolumesFrom', 'PidMode', 'IpcMode', 'NetworkMode'])
  const known = Object.entries(hostConfigFields).filter(([field, { compared: how }]) => how !== 'never' && !derivedElsewhere.has(field)).map(([field]) => field)
  test.each(known)('in HostConfig.%s', field => {
    const after = withHostConfig(plain, { [field]: changed(plain.inspect.HostConfig[field], hostConfigFields[field]) })
    const { differences, engineDefaults } = compared(plain, after)
    expect([...differences, ...engineDefaults].some(each => each.field.startsWith(`HostConfig.${field}`))).toBe(true)
    expect(engineDefaults.map(each => each.field)).toEqual(field === 'Ulimits' ? ['HostConfig.Ulimits'] : field === 'LogConfig' ? ['HostConfig.LogConfig'] : [])
  })

  test.each([['NetworkMode', 'none'], ['PidMode', 'host'], ['IpcMode', 'host'], ['Links', ['/a:/b/c']], ['VolumesFrom', ['a']]])('in HostConfig.%s', (field, value) => {
    expect(fieldsOf(compared(plain, withHostConfig(plain, { [field]: value })))).toContain(`HostConfig.${field}`)
  })

  test.each(Object.entries(endpointFields).filter(([, rule]) => rule.compared !== 'never').map(([field]) => field))('in %s of an endpoint', field => {
    const record = fixtureRecord('28.5', 'own-network')
    const { Networks } = record.inspect.NetworkSettings
    const value = { IPAMConfig: { IPv4Address: '10.1.1.1' }, Links: ['a:b'], Aliases: ['web'], DriverOpts: { a: 'b' }, GwPriority: 3 }[field]
    const after = { ...record, inspect: { ...record.inspect, NetworkSettings: { Networks: { 'own-network-net': { ...Networks['own-network-net'], [field]: value } } } } } as ContainerRecord
    expect(fieldsOf(compared(record, after))).toEqual(expect.arrayContaining([expect.stringContaining(`NetworkSettings.Networks.own-network-net.${field}`)]))
  })

  test('in a missing network, volume or mount', () => {
    const record = fixtureRecord('28.5', 'compose-labels')
    const after = { ...record, networks: [], volumes: [], inspect: { ...record.inspect, Mounts: [], NetworkSettings: { Networks: {} } } }
    expect(fieldsOf(compared(record, after))).toEqual(['NetworkSettings.Networks.compose-labels-net', 'Mounts./data', 'Networks.compose-labels-net', 'Volumes.compose-labels-vol'])
  })

  test('in the labels of a network or a volume', () => {
    const record = fixtureRecord('28.5', 'compose-labels')
    const after = { ...record, networks: record.networks.map(network => ({ ...network, Labels: {} })), volumes: record.volumes.map(volume => ({ ...volume, Labels: null })) }
    expect(fieldsOf(compared(record, after)).sort()).toEqual([
      'Networks.compose-labels-net.Labels.com.docker.compose.network', 'Networks.compose-labels-net.Labels.com.docker.compose.project',
      'Volumes.compose-labels-vol.Labels.com.docker.compose.project', 'Volumes.compose-labels-vol.Labels.com.docker.compose.volume',
    ])
  })

  test('in a subnet that somebody chose, not in one that the engine chose', () => {
    const subnet = (name: string, Subnet: string, Gateway: string) => {
      const record = fixtureRecord('20.10', name)
      return fieldsOf(compared(record, { ...record, networks: record.networks.map(network => ({ ...network, IPAM: { ...network.IPAM, Config: [{ Subnet, Gateway }] } })) }))
    }
    expect(subnet('static-address', '10.97.9.0/24', '10.97.9.1')).toEqual(['Networks.static-address-net.IPAM.Config'])
    expect(subnet('own-network', '172.29.0.0/16', '172.29.0.1')).toEqual([])
    expect(subnet('own-network', '10.97.9.0/24', '10.97.9.1')).toEqual(['Networks.own-network-net.IPAM.Config'])
  })

  test('in the mode of a mount and the name of its volume', () => {
    const record = fixtureRecord('20.10', 'binds')
    const after = { ...record, inspect: { ...record.inspect, Mounts: record.inspect.Mounts.map(mount => ({ ...mount, RW: true, ...(mount.Destination === '/vol' ? { Name: 'other' } : {}) })) } }
    expect(fieldsOf(compared(record, after)).filter(field => field.startsWith('Mounts'))).toEqual(expect.arrayContaining(['Mounts./dir', 'Mounts./vol', 'Mounts./vol2']))
  })

  test('in a named volume that came back anonymous', () => {
    const record = fixtureRecord('20.10', 'compose-labels')
    const after = { ...record, inspect: { ...record.inspect, Mounts: record.inspect.Mounts.map(mount => ({ ...mount, Name: 'a'.repeat(64) })) } }
    expect(fieldsOf(compared(record, after))).toContain('Mounts./data')
  })

  test('in the state', () => {
    expect(fieldsOf(compared(fixtureRecord('20.10', 'plain-running'), { ...plain, inspect: { ...plain.inspect, Name: '/plain-running' } }))).toContain('State.Status')
  })

  test('in a field that no table knows', () => {
    expect(fieldsOf(compared(withHostConfig(plain, { NewThing: 1 }), plain))).toEqual(['HostConfig.NewThing'])
  })
})

describe('not a difference', () => {
  test.each([
    ['nothing in several ways', { Binds: [], Devices: null, CpusetCpus: null, PidsLimit: 0, OomKillDisable: null, Ulimits: [] }],
    ['a capability with or without CAP_', { CapAdd: [] }],
    ['the policy "no" and none', { RestartPolicy: { Name: '', MaximumRetryCount: 0 } }],
    ['default and bridge', { NetworkMode: 'bridge' }],
  ])('%s', (_, changes) => {
    expect(fieldsOf(compared(plain, withHostConfig(plain, changes)))).toEqual([])
  })

  test('capabilities as 28 writes them', () => {
    const old = fixtureRecord('20.10', 'capabilities')
    expect(fieldsOf(compared(old, withHostConfig(old, { CapAdd: ['CAP_SYS_TIME', 'CAP_NET_ADMIN'], CapDrop: ['CAP_MKNOD'] })))).toEqual([])
  })
})

describe('emptiness that means something', () => {
  test.each([['MaskedPaths', [], null], ['ReadonlyPaths', [], null], ['Init', false, null], ['MemorySwappiness', 0, null]])('HostConfig.%s', (field, recorded, restored) => {
    expect(fieldsOf(compared(withHostConfig(plain, { [field]: recorded }), withHostConfig(plain, { [field]: restored })))).toEqual([`HostConfig.${field}`])
  })

  test('a stop timeout of 0, a label without a value, an entrypoint that came back', () => {
    expect(fieldsOf(compared(withConfig(plain, { StopTimeout: 0 }), plain))).toEqual(['Config.StopTimeout'])
    expect(fieldsOf(compared(withConfig(plain, { Labels: { empty: '' } }), plain))).toEqual(['Config.Labels.empty'])
    expect(fieldsOf(compared(plain, withConfig(plain, { Entrypoint: ['/entry'] })))).toEqual(['Config.Entrypoint'])
  })
})

describe('differences that engines make', () => {
  test('masked paths of another version', () => {
    const restored = withHostConfig(plain, { MaskedPaths: fixtureRecord('28.5', 'plain-created').inspect.HostConfig['MaskedPaths'] })
    expect(compared(plain, restored)).toMatchObject({ differences: [], engineDefaults: [{ field: 'HostConfig.MaskedPaths', reason: expect.stringContaining('default') }] })
    expect(fieldsOf(compared(plain, withHostConfig(plain, { MaskedPaths: [] })))).toEqual(['HostConfig.MaskedPaths'])
  })

  test('an ended container that has not run on the target', () => {
    const ended = fixtureRecord('20.10', 'exited')
    const restored = { ...ended, inspect: { ...ended.inspect, State: plain.inspect.State } }
    expect(compared(ended, restored)).toMatchObject({ differences: [], engineDefaults: [{ field: 'State.Status' }] })
  })
})

test('an announced loss is told apart', () => {
  const recorded = withHostConfig(plain, { Annotations: { a: 'b' } })
  expect(compared(recorded, plain, ['HostConfig.Annotations'])).toMatchObject({ differences: [], announced: [{ field: 'HostConfig.Annotations.a' }] })
  expect(fieldsOf(compared(recorded, plain, ['HostConfig.Ann']))).toEqual(['HostConfig.Annotations.a'])
})
