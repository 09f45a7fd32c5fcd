import { describe, expect, test } from '@jest/globals'
import type { JsonObject } from '../../../src/engine/api-types.ts'
import type { CreateRequest, ReplayOptions } from '../../../src/engine/spec/create-request.ts'
import { fixtureEngines, fixtureFacts, fixtureNames, fixtureRecord, requestFor, withConfig, withHostConfig } from './spec-fixtures.ts'

const host = ({ body }: CreateRequest) => body['HostConfig'] as JsonObject
const endpoints = ({ body }: CreateRequest) => (body['NetworkingConfig'] as { EndpointsConfig: Record<string, JsonObject> } | undefined)?.EndpointsConfig
const old = (name: string, changes?: Partial<ReplayOptions>) => requestFor(fixtureRecord('20.10', name), changes)
const recent = (name: string, changes?: Partial<ReplayOptions>) => requestFor(fixtureRecord('28.5', name), changes)
const to = (engine: '20.10' | '26.1' | '28.5', changes = {}) => ({ target: fixtureFacts(engine, changes) })
const failure = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

describe.each(fixtureEngines)('what engine %s recorded', engine => {
  test.each(fixtureNames(engine))('%s: nothing of the old container\'s identity is sent, and JSON keeps it', name => {
    const record = fixtureRecord(engine, name)
    for (const target of [record.engine, fixtureFacts('28.5', { apiVersion: '1.52' })]) {
      const request = requestFor(record, { target })
      const sent = JSON.stringify([request.body, request.connects])
      expect(sent).not.toContain(record.inspect.Id.slice(0, 12))
      for (const { id } of record.peers) expect(sent).not.toContain(id)
      for (const network of record.networks) expect(sent).not.toContain(network.Id)
      expect(JSON.parse(JSON.stringify(request))).toEqual(request)
    }
  })
})

describe('config', () => {
  test('an entrypoint that was taken away does not come back from the image', () => {
    expect(old('entrypoint-reset').body).toMatchObject({ Entrypoint: [''], Cmd: ['/bin/sleep', '5'] })
  })

  test('a hostname is sent only when somebody chose it', () => {
    expect(old('plain-running').body).not.toHaveProperty('Hostname')
    expect(old('hostname-set').body).toMatchObject({ Hostname: 'web', Domainname: 'example.test' })
    expect(old('network-host').body).not.toHaveProperty('Hostname')
    expect(old('network-host-hostname').body).toHaveProperty('Hostname', 'web')
  })

  test('in the network of another container, nothing that belongs to that network is sent', () => {
    const { body } = recent('network-of-container')
    expect(body).not.toHaveProperty('Hostname')
    expect(body).not.toHaveProperty('ExposedPorts')
    expect(host({ body } as CreateRequest)['NetworkMode']).toBe('container:network-of-container-peer')
  })

  test('a generated MAC address is never sent', () => {
    expect(JSON.stringify([old('plain-running').body, recent('own-network').body, recent('two-networks').body])).not.toContain('MacAddress')
  })

  test('a MAC address that was asked for is sent where the API takes it', () => {
    expect(old('mac-address').body).toHaveProperty('MacAddress', '02:42:ac:11:77:77')
    expect(endpoints(old('mac-address'))).toBeUndefined()
    for (const apiVersion of ['1.44', '1.52']) {
      const request = old('mac-address', to('28.5', { apiVersion }))
      expect(request.body).not.toHaveProperty('MacAddress')
      expect(endpoints(request)).toEqual({ bridge: { MacAddress: '02:42:ac:11:77:77' } })
      expect(host(request)['NetworkMode']).toBe('bridge')
    }
    expect(endpoints(recent('mac-address-in-own-network'))).toEqual({ 'mac-address-in-own-network-net': { MacAddress: '02:42:ac:11:77:78' } })
  })

  test('StartInterval is a loss below API 1.44', () => {
    const { body, losses } = recent('start-interval', to('20.10'))
    expect(body['Healthcheck']).toEqual({ Test: ['CMD-SHELL', 'true'], StartPeriod: 9_000_000_000 })
    expect(losses).toEqual([{ field: 'Config.Healthcheck.StartInterval', text: expect.any(String) }])
  })

  test('a stop timeout of 0 and a health check that was switched off are kept', () => {
    expect(old('health').body).toMatchObject({ StopTimeout: 0, StopSignal: 'SIGINT' })
    expect(old('health-off').body).toMatchObject({ Healthcheck: { Test: ['NONE'] } })
  })

  test('a task of a swarm is refused', () => {
    const task = withConfig(fixtureRecord('20.10', 'plain-created'), { Labels: { 'com.docker.swarm.task.id': 'x' } })
    expect(failure(() => requestFor(task))).toMatchObject({ code: 'refused', message: expect.stringContaining('is a task of the swarm service') })
  })

  test('the platform is named only for another architecture', () => {
    expect(recent('plain-created').platform).toBeUndefined()
    const { platform, notes } = recent('plain-created', to('28.5', { architecture: 'arm64' }))
    expect(platform).toBe('linux/amd64')
    expect(notes).toContainEqual({ field: 'Platform', text: expect.stringContaining('emulate') })
  })
})

describe('networks', () => {
  test('below API 1.44 only the network of NetworkMode is joined at create, and static addresses stay', () => {
    const request = old('two-networks')
    expect(endpoints(request)).toEqual({ 'two-networks-net': { Aliases: ['web'] } })
    expect(request.connects).toEqual([{ network: 'two-networks-net2', body: { EndpointConfig: { Aliases: ['second'], IPAMConfig: { IPv4Address: '10.97.2.7' } } } }])
  })

  test('a new engine that is asked with an old API version is treated as an old one', () => {
    expect(recent('two-networks', to('28.5', { apiVersion: '1.43' })).connects).toHaveLength(1)
  })

  test('from API 1.44 on all networks are joined at create', () => {
    const request = old('two-networks', to('26.1'))
    expect(Object.keys(endpoints(request)!)).toEqual(['two-networks-net', 'two-networks-net2'])
    expect(request.connects).toEqual([])
  })

  test('a network of NetworkMode that had been left is left again', () => {
    const request = recent('disconnected-from-bridge')
    expect(endpoints(request)).toBeUndefined()
    expect(request.disconnects).toEqual(['bridge'])
    expect(request.connects.map(({ network }) => network)).toEqual(['disconnected-from-bridge-net'])
    expect(recent('disconnected-from-all')).toMatchObject({ disconnects: ['bridge'], connects: [] })
  })

  test('a network of NetworkMode that was left and is gone gives way to another one, as a loss', () => {
    const request = requestFor(withHostConfig(fixtureRecord('28.5', 'own-network'), { NetworkMode: 'gone' }))
    expect(host(request)['NetworkMode']).toBe('own-network-net')
    expect(request.losses).toEqual([{ field: 'HostConfig.NetworkMode', text: expect.stringContaining('"gone"') }])
  })

  test('a network given by its id is sent by its name', () => {
    expect(host(old('network-by-id'))['NetworkMode']).toBe('network-by-id-net')
  })

  test('a network is made again with everything that was chosen', () => {
    expect(old('static-address').networks).toEqual([{
      Name: 'static-address-net', Driver: 'bridge', Internal: false, Attachable: false, EnableIPv6: false, CheckDuplicate: true,
      IPAM: { Driver: 'default', Options: {}, Config: [{ Subnet: '10.97.3.0/24', IPRange: '10.97.3.128/25', Gateway: '10.97.3.254', AuxiliaryAddresses: { host: '10.97.3.130' } }] },
      Options: {}, Labels: {},
    }])
    expect(recent('own-network').networks).toMatchObject([{ Labels: { a: 'b' }, Options: { 'com.docker.network.bridge.name': 'dr-own' } }])
    expect(old('two-networks').networks[1]).toMatchObject({ Internal: true, IPAM: { Config: [{ Subnet: '10.97.2.0/24' }] } })
  })

  test('a subnet that the engine chose is sent only when an address in it was asked for', () => {
    const record = fixtureRecord('20.10', 'own-network')
    expect(requestFor(record).networks[0]!['IPAM']).not.toHaveProperty('Config')
    const [name, endpoint] = Object.entries(record.inspect.NetworkSettings.Networks)[0]!
    const fixed = { ...record, inspect: { ...record.inspect, NetworkSettings: { Networks: { [name]: { ...endpoint, IPAMConfig: { IPv4Address: '172.19.0.9' } } } } } }
    expect(requestFor(fixed).networks[0]!['IPAM']).toHaveProperty('Config')
  })

  test('predefined networks are not created', () => {
    for (const name of ['plain-created', 'network-host', 'network-none']) expect(old(name).networks).toEqual([])
  })

  test('a gateway priority is a loss below API 1.48', () => {
    expect(endpoints(recent('gateway-priority'))).toMatchObject({ 'gateway-priority-net': { GwPriority: 5 }, 'gateway-priority-net2': { GwPriority: 7 } })
    expect(recent('gateway-priority', to('26.1')).losses.map(({ field }) => field)).toEqual(['NetworkSettings.Networks.gateway-priority-net.GwPriority', 'NetworkSettings.Networks.gateway-priority-net2.GwPriority'])
  })

  test('sysctls of the interface move to its endpoint from API 1.48 on', () => {
    expect(host(old('sysctls-of-interface'))['Sysctls']).toHaveProperty(['net.ipv4.conf.eth0.log_martians'])
    const request = old('sysctls-of-interface', to('28.5'))
    expect(host(request)['Sysctls']).toEqual({})
    expect(endpoints(request)).toEqual({ bridge: { DriverOpts: { 'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.accept_ra=2' } } })
  })
})

describe('other containers', () => {
  test('namespaces and links name the container that stands for the recorded one', () => {
    const peers = (name: string) => ({ peers: new Map([[`${name}-peer`, { name: 'db-new' }]]) })
    expect(host(old('namespaces-of-container', peers('namespaces-of-container')))).toMatchObject({ PidMode: 'container:db-new', IpcMode: 'container:db-new' })
    expect(host(old('links', peers('links')))['Links']).toEqual(['db-new:db', 'db-new:links-peer'])
    expect(endpoints(old('links-in-own-network', peers('links-in-own-network')))).toEqual({ 'links-in-own-network-net': { Links: ['db-new:db'] } })
  })

  test('a container that is not on the target is a conflict that names everything at once', () => {
    expect(failure(() => old('namespaces-of-container', { peers: new Map() }))).toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/shares the memory of container "namespaces-of-container-peer".*; .*shares the processes of/),
      hints: ['bring "namespaces-of-container-peer" there first, or both together'],
    })
    expect(failure(() => old('network-of-container', { peers: new Map() }))).toMatchObject({ code: 'conflict' })
    expect(failure(() => old('links', { peers: new Map() }))).toMatchObject({ code: 'conflict' })
  })

  test('volumes-from is kept while the other container has the same mounts', () => {
    const request = old('volumes-from')
    expect(host(request)['VolumesFrom']).toEqual(['volumes-from-peer:ro'])
    expect(request).toMatchObject({ losses: [], anonymous: [], volumes: [{ Name: 'volumes-from-vol' }] })
  })

  test('volumes-from is written out without the other container', () => {
    for (const peers of [new Map(), new Map([['volumes-from-peer', { name: 'volumes-from-peer', mounts: [] }]])]) {
      const record = fixtureRecord('20.10', 'volumes-from')
      const request = requestFor(record, { peers })
      const anonymous = record.inspect.Mounts.find(mount => mount.Destination === '/anonymous')!
      expect(host(request)).not.toHaveProperty('VolumesFrom')
      expect(host(request)['Mounts']).toEqual(expect.arrayContaining([
        { Type: 'volume', Source: 'volumes-from-vol', Target: '/vol', ReadOnly: true },
        { Type: 'volume', Source: anonymous.Name, Target: '/anonymous', ReadOnly: true },
        { Type: 'bind', Source: '/srv/shared/volumes-from', Target: '/bind', ReadOnly: true, BindOptions: { Propagation: 'rprivate' } },
      ]))
      expect(request.losses.map(({ field }) => field).sort()).toEqual(['HostConfig.Mounts', 'HostConfig.VolumesFrom'])
      expect(request.volumes.map(({ Name }) => Name).sort()).toEqual([anonymous.Name!, 'volumes-from-vol'].sort())
      expect(request.anonymous).toEqual([])
    }
  })

  test('a writable anonymous volume of volumes-from stays anonymous when it is written out', () => {
    const recorded = fixtureRecord('28.5', 'volumes-from')
    const writable = { ...recorded, inspect: { ...recorded.inspect, Mounts: recorded.inspect.Mounts.map(mount => ({ ...mount, RW: mount.Type === 'volume' })) } }
    const request = requestFor(writable, { peers: new Map() })
    expect(host(request)['Mounts']).toContainEqual({ Type: 'volume', Target: '/anonymous' })
    expect(request.anonymous.map(({ destination }) => destination)).toEqual(['/anonymous'])
    expect(request.volumes.map(({ Name }) => Name)).toEqual(['volumes-from-vol'])
  })
})

describe('mounts', () => {
  test('no path is mounted twice', () => {
    for (const engine of fixtureEngines) {
      for (const name of fixtureNames(engine)) {
        const sent = host(requestFor(fixtureRecord(engine, name)))
        const places = [...(sent['Binds'] as string[] | undefined ?? []).map(line => line.split(':')[1]), ...(sent['Mounts'] as { Target: string }[] | undefined ?? []).map(({ Target }) => Target)]
        expect(new Set(places).size).toBe(places.length)
      }
    }
  })

  test.each(fixtureEngines)('anonymous volumes of engine %s are left to create', engine => {
    const { anonymous, volumes, body } = requestFor(fixtureRecord(engine, 'anonymous-volumes'))
    expect(anonymous.map(({ destination }) => destination).sort()).toEqual(['/also declared', '/anonymous', '/declared'])
    expect(volumes).toEqual([])
    for (const { recordedName } of anonymous) expect(JSON.stringify(body)).not.toContain(recordedName)
    expect(requestFor(fixtureRecord(engine, 'mounts')).anonymous.map(({ destination }) => destination).sort()).toEqual(['/anonymous', '/options'])
  })

  test('a volume with an engine\'s name that the spec names is kept by its name', () => {
    const record = fixtureRecord('28.5', 'anonymous-volume-kept-by-name')
    const { anonymous, volumes } = requestFor(record)
    expect(anonymous).toEqual([])
    expect(volumes).toEqual([{ Name: record.inspect.Mounts[0]!.Name, Driver: 'local', Labels: { 'com.docker.volume.anonymous': '' } }])
  })

  test('a volume keeps driver, options and labels', () => {
    const { volumes, notes } = old('volume-options')
    expect(volumes).toEqual([{ Name: 'volume-options-vol', Driver: 'local', DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' }, Labels: { 'com.example.a': 'b' } }])
    expect(notes).toEqual([{ field: 'Volumes.volume-options-vol', text: expect.stringContaining('device=tmpfs') }])
  })

  test('what an older API would mount differently is refused, what it lacks is a loss', () => {
    expect(failure(() => recent('volume-subpath', to('20.10')))).toMatchObject({ code: 'conflict', message: expect.stringContaining('needs API 1.45') })
    expect(failure(() => recent('image-mount', to('26.1')))).toMatchObject({ code: 'conflict', message: expect.stringContaining('needs API 1.48') })
    const { losses, body } = recent('read-only-bind-not-recursive', to('20.10'))
    expect(losses).toHaveLength(1)
    expect(JSON.stringify(body)).not.toContain('ReadOnlyNonRecursive')
  })
})

describe('what engines fill in', () => {
  test('default lists of masked paths are left out, an empty list is kept', () => {
    for (const engine of fixtureEngines) {
      expect(host(requestFor(fixtureRecord(engine, 'plain-created')))).not.toHaveProperty('MaskedPaths')
      expect(host(requestFor(fixtureRecord(engine, 'privileged')))).not.toHaveProperty('MaskedPaths')
      expect(host(requestFor(fixtureRecord(engine, 'systempaths-unconfined')))).toMatchObject({ MaskedPaths: [], ReadonlyPaths: [] })
    }
    const own = ['/proc/asound', '/my/own']
    expect(host(requestFor(withHostConfig(fixtureRecord('20.10', 'plain-created'), { MaskedPaths: own })))['MaskedPaths']).toEqual(own)
  })

  test('defaults of the source are left to the target', () => {
    const sent = host(old('plain-created'))
    for (const field of ['Runtime', 'LogConfig', 'OomKillDisable', 'ConsoleSize', 'ContainerIDFile', 'Isolation', 'MemorySwappiness']) expect(sent).not.toHaveProperty(field)
    expect(host(old('resources'))).not.toHaveProperty('MemorySwap')
    expect(host(old('memory-without-swap'))).toMatchObject({ Memory: 67108864, MemorySwap: 67108864, MemorySwappiness: 0, OomKillDisable: true })
    expect(host(old('privileged'))).not.toHaveProperty('SecurityOpt')
    expect(host(old('log-options'))['LogConfig']).toEqual({ Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } })
  })

  test('the default control group namespace follows the target\'s version', () => {
    expect(host(old('plain-created'))['CgroupnsMode']).toBe('host')
    expect(host(old('plain-created', to('28.5', { cgroupVersion: '2' })))).not.toHaveProperty('CgroupnsMode')
    expect(host(old('devices', to('28.5', { cgroupVersion: '2' })))['CgroupnsMode']).toBe('private')
  })

  test('what control groups of version 2 do not have is a loss', () => {
    const { losses } = old('memory-without-swap', to('28.5', { cgroupVersion: '2' }))
    expect(losses.map(({ field }) => field).sort()).toEqual(['HostConfig.MemorySwappiness', 'HostConfig.OomKillDisable'])
  })

  test('kernel memory is sent while the API has it', () => {
    const limited = withHostConfig(fixtureRecord('20.10', 'plain-created'), { KernelMemory: 1 << 26 })
    expect(host(requestFor(limited))['KernelMemory']).toBe(1 << 26)
    expect(requestFor(limited, to('26.1')).losses).toEqual([{ field: 'HostConfig.KernelMemory', text: 'API 1.45 does not have KernelMemory' }])
  })

  test('empty lists of ports are written out for API 1.52', () => {
    const record = withHostConfig(fixtureRecord('28.5', 'plain-created'), { PortBindings: { '80/tcp': [], '81/tcp': null } })
    const free = [{ HostIp: '', HostPort: '' }]
    expect(host(requestFor(record, to('28.5', { apiVersion: '1.52' })))['PortBindings']).toEqual({ '80/tcp': free, '81/tcp': free })
    expect(host(requestFor(record))['PortBindings']).toEqual({ '80/tcp': [], '81/tcp': null })
  })
})

describe('what depends on the host', () => {
  test('is named', () => {
    expect(old('devices').notes.map(({ field }) => field)).toEqual(expect.arrayContaining(['HostConfig.Devices', 'HostConfig.BlkioDeviceReadBps', 'HostConfig.CgroupParent']))
    expect(old('resources').notes).toContainEqual({ field: 'HostConfig.CpusetCpus', text: 'the processors must exist' })
    expect(old('plain-created').notes).toEqual([])
  })

  test('a runtime or log driver that is missing is a conflict, unless it is left out', () => {
    const record = withHostConfig(fixtureRecord('20.10', 'plain-created'), { Runtime: 'nvidia', LogConfig: { Type: 'logentries', Config: {} } })
    expect(failure(() => requestFor(record, to('28.5')))).toMatchObject({ code: 'conflict', message: expect.stringMatching(/log driver "logentries".*runtime "nvidia"|runtime "nvidia".*log driver "logentries"/) })
    const { losses, body } = requestFor(record, { ...to('28.5'), leaveOut: new Set(['HostConfig.Runtime', 'HostConfig.LogConfig']) })
    expect(losses.map(({ field }) => field).sort()).toEqual(['HostConfig.LogConfig', 'HostConfig.Runtime'])
    expect(JSON.stringify(body)).not.toMatch(/nvidia|logentries/)
  })

  test('a missing volume or network driver is a conflict', () => {
    const record = fixtureRecord('20.10', 'compose-labels')
    expect(failure(() => requestFor({ ...record, volumes: record.volumes.map(volume => ({ ...volume, Driver: 'rexray' })) }))).toMatchObject({ code: 'conflict', message: expect.stringContaining('"rexray"') })
    expect(failure(() => requestFor({ ...record, networks: record.networks.map(network => ({ ...network, Driver: 'weave' })) }))).toMatchObject({ code: 'conflict', message: expect.stringContaining('"weave"') })
  })
})
