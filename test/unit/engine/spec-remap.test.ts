import { describe, expect, test } from '@jest/globals'
import type { JsonObject } from '../../../src/engine/api-types.ts'
import { noRemaps, remapPath, type Remaps } from '../../../src/engine/spec/remap-record.ts'
import { remapPort } from '../../../src/engine/spec/remap-port.ts'
import { fixtureRecord, requestFor } from './spec-fixtures.ts'

const replayed = (name: string, remaps: Partial<Remaps>) => {
  const request = requestFor(fixtureRecord('20.10', name), { remaps: { ...noRemaps, ...remaps } })
  return { ...request, host: request.body['HostConfig'] as JsonObject }
}

test('a port that is mapped to none is not published, and the others of the container are', () => {
  const bindings = (ports: Map<string, string>) => replayed('ports', { ports }).host['PortBindings'] as Record<string, { HostPort: string }[]>
  const all = bindings(new Map([['18090', '8090']]))
  const [gone = ''] = Object.entries(all).find(([, each]) => each.length === 1 && each[0]?.HostPort === '8090') ?? []
  expect(gone).not.toBe('')
  expect(bindings(new Map([['18090', 'none']]))).toEqual(Object.fromEntries(Object.entries(all).filter(([port]) => port !== gone)))
})

test('ports of the host change, with or without an address', () => {
  const { host } = replayed('ports', { ports: new Map([['127.0.0.1:18080', '0.0.0.0:8081'], ['18090', '8090'], ['18103-18109', '8103']]) })
  expect(host['PortBindings']).toMatchObject({
    '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8081' }],
    '90/udp': [{ HostIp: '', HostPort: '8090' }],
    '95/tcp': [{ HostIp: '', HostPort: '' }],
    '100/tcp': [{ HostIp: '', HostPort: '18100' }],
    '103/tcp': [{ HostIp: '', HostPort: '8103' }],
  })
})

test('a port with an address is matched before a port alone, and keeps its address', () => {
  const ports = new Map([['80', '81'], ['10.0.0.1:80', '82'], ['[::1]:80', '83']])
  expect(remapPort({ HostIp: '10.0.0.1', HostPort: '80' }, ports)).toEqual({ HostIp: '10.0.0.1', HostPort: '82' })
  expect(remapPort({ HostIp: '10.0.0.2', HostPort: '80' }, ports)).toEqual({ HostIp: '10.0.0.2', HostPort: '81' })
  expect(remapPort({ HostIp: '::1', HostPort: '80' }, ports)).toEqual({ HostIp: '::1', HostPort: '83' })
  expect(() => remapPort({ HostIp: '', HostPort: '80' }, new Map([['http', '80']]))).toThrow('"http" is not a port')
})

test('volumes change their names in binds, mounts and where they are created', () => {
  const volumes = new Map([['binds-vol', 'new'], ['mounts-vol', 'new']])
  const binds = replayed('binds', { volumes })
  expect(binds.host['Binds']).toEqual(expect.arrayContaining(['new:/vol:nocopy', 'new:/vol2:ro']))
  expect(binds.volumes.map(({ Name }) => Name)).toEqual(['new'])
  expect(replayed('mounts', { volumes }).host['Mounts']).toContainEqual(expect.objectContaining({ Source: 'new', Target: '/vol' }))
})

test('bind sources move with what lies below them; their modes stay', () => {
  const binds = new Map([['/srv/shared', '/data'], ['/srv/shared/binds/file', '/etc/other']])
  expect(replayed('binds', { binds }).host['Binds']).toEqual(expect.arrayContaining(['/data/binds/dir:/dir:ro,rslave', '/etc/other:/etc/file']))
  expect(replayed('mounts', { binds }).host['Mounts']).toContainEqual(expect.objectContaining({ Source: '/data/mounts/dir', ReadOnly: true }))
  expect(() => replayed('binds', { binds: new Map([['/srv', '/a:b']]) })).toThrow('holds a colon')
})

describe('a path', () => {
  const binds = new Map([['/a', '/b'], ['/a/c', '/d/']])

  test.each([['/a', '/b'], ['/a/x', '/b/x'], ['/ab', '/ab'], ['/a/c', '/d'], ['/a/c/e', '/d/e'], ['/', '/']])('%s becomes %s', (from, to) => {
    expect(remapPath(from, binds)).toBe(to)
  })
})

test('networks change their names everywhere, and two cannot become one', () => {
  const { host, networks, connects } = replayed('two-networks', { networks: new Map([['two-networks-net', 'front'], ['two-networks-net2', 'back']]) })
  expect(host['NetworkMode']).toBe('front')
  expect(networks.map(({ Name }) => Name)).toEqual(['front', 'back'])
  expect(connects.map(({ network }) => network)).toEqual(['back'])
  expect(() => replayed('two-networks', { networks: new Map([['two-networks-net', 'two-networks-net2']]) })).toThrow('two networks')
})

test('the engine\'s bridge can be mapped to a network that is there, and a network to the bridge', () => {
  const { host, networks } = replayed('plain-created', { networks: new Map([['bridge', 'front']]) })
  expect([host['NetworkMode'], networks]).toEqual(['front', []])
  const onBridge = replayed('static-address', { networks: new Map([['static-address-net', 'bridge']]) })
  expect([onBridge.host['NetworkMode'], onBridge.networks, onBridge.body['NetworkingConfig']]).toEqual(['bridge', [], undefined])
  expect(onBridge.losses.map(({ field }) => field)).toEqual(['NetworkSettings.Networks.bridge.IPAMConfig'])
})
