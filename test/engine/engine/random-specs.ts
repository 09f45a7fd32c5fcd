import fc from 'fast-check'
import type { JsonObject } from '../../../src/engine/api-types.ts'
import { compareApi } from '../../../src/engine/spec/api-version.ts'

/** A container as POST /containers/create takes it, and the networks that it joins afterwards. */
export type RandomSpec = { readonly body: JsonObject; readonly connects: readonly { readonly network: string; readonly body: JsonObject }[] }

/** What every host of a run has: images app:1 and full:1, the container `peer`, these networks and volumes. */
export const commonThings = [
  'docker run -d --name peer --ipc shareable -v peer-volume:/peer/volume -v /peer/anonymous app:1 sleep 100000',
  'docker network create --subnet 10.97.71.0/24 static-net',
  'docker network create --ipv6 --subnet 10.97.72.0/24 --subnet fd97:72::/64 --label kept=yes six-net',
  'docker network create --subnet 10.97.73.0/24 --internal --attachable inner-net',
  'docker volume create --label kept=yes plain-volume',
  'docker volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m memory-volume',
] as const

const word = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,12}$/)
const oddText = fc.oneof(word, fc.constantFrom('', 'two words', '$HOME `x` "quoted" \'single\'', 'ünïcödé ✓', 'a=b=c', '-x', 'line\nbreak', '\\back\\slash', '{{.Names}}'))
const few = <T>(items: fc.Arbitrary<T>, maxLength = 3): fc.Arbitrary<T[]> => fc.array(items, { maxLength })
const some = <T>(...values: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...values])
const dictionary = (values: fc.Arbitrary<string>): fc.Arbitrary<Record<string, string>> => fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9./_-]{0,20}[a-z0-9]$/), values, { maxKeys: 4, noNullPrototype: true })
/** Two of three have it not, or as many as `nil` says. */
const maybe = <T>(value: fc.Arbitrary<T>, nil = 2): fc.Arbitrary<T | undefined> => fc.oneof({ weight: 1, arbitrary: value }, { weight: nil, arbitrary: fc.constant(undefined) })
const seconds = fc.integer({ min: 1, max: 90 }).map(each => each * 1e9)
const mac = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 }).map(bytes => ['02', '42', ...bytes.map(each => each.toString(16).padStart(2, '0'))].join(':'))

function config(api: string): fc.Arbitrary<JsonObject> {
  const check = fc.record({
    Test: fc.constantFrom(['NONE'], ['CMD', 'true'], ['CMD-SHELL', 'test -e /x || exit 1'], []),
    Interval: seconds, Timeout: seconds, Retries: fc.integer({ min: 0, max: 9 }), StartPeriod: seconds,
    ...(compareApi(api, '1.44') >= 0 ? { StartInterval: seconds } : {}),
  }, { requiredKeys: ['Test'] })
  return fc.record({
    Image: fc.constantFrom('app:1', 'full:1'),
    Cmd: maybe(fc.oneof(fc.constant(['sleep', '1000']), fc.array(oddText, { minLength: 1, maxLength: 3 })), 0),
    Entrypoint: maybe(fc.constantFrom([''], ['/bin/busybox'], ['/bin/sh', '-c'], [])),
    Env: maybe(few(fc.tuple(fc.stringMatching(/^[A-Z][A-Z0-9_]{0,6}$/), oddText).map(pair => pair.join('=')))),
    User: maybe(fc.constantFrom('', '0', 'nobody', '65534:65534', 'root:nogroup', '1000')),
    WorkingDir: maybe(fc.constantFrom('/', '/var', '/tmp/a b', '/made/by/engine')),
    Hostname: maybe(fc.stringMatching(/^[a-z][a-z0-9-]{0,9}[a-z0-9]$/)),
    Domainname: maybe(fc.constantFrom('example.test', 'a.b')),
    Labels: maybe(dictionary(oddText)),
    ExposedPorts: maybe(some('80/tcp', '53/udp', '5000/sctp', '8080/tcp').map(ports => Object.fromEntries(ports.map(port => [port, {}])))),
    Volumes: maybe(some('/own/volume', '/declared', '/with space').map(places => Object.fromEntries(places.map(place => [place, {}])))),
    Tty: maybe(fc.boolean()), OpenStdin: maybe(fc.boolean()), StdinOnce: maybe(fc.boolean()), AttachStdout: maybe(fc.boolean()), AttachStderr: maybe(fc.boolean()), AttachStdin: maybe(fc.boolean()),
    StopSignal: maybe(fc.constantFrom('SIGINT', 'SIGQUIT', '9', 'SIGRTMIN+3')),
    StopTimeout: maybe(fc.integer({ min: 0, max: 120 })),
    Shell: maybe(fc.constantFrom(['/bin/sh', '-c'], ['/bin/ash', '-e', '-c'])),
    Healthcheck: maybe(check),
  }) as fc.Arbitrary<JsonObject>
}

function hostConfig(api: string): fc.Arbitrary<JsonObject> {
  const bind = fc.tuple(fc.constantFrom('SHARED/dir', 'SHARED/file', 'plain-volume', 'memory-volume', 'named-by-bind'), fc.constantFrom('/m/a', '/m/b', '/m/c c', '/declared'), fc.constantFrom('', ':ro', ':rw', ':z')).map(parts => `${parts[0]}:${parts[1]}${parts[2]}`)
  const mount: fc.Arbitrary<JsonObject> = fc.oneof(
    fc.record({ Type: fc.constant('volume'), Source: fc.constantFrom('plain-volume', 'made-by-mount', ''), Target: fc.constantFrom('/n/a', '/n/b'), ReadOnly: fc.boolean(), VolumeOptions: maybe(fc.record({ NoCopy: fc.boolean(), Labels: fc.constantFrom({}, { a: 'b' }) })) }),
    fc.record({ Type: fc.constant('bind'), Source: fc.constantFrom('SHARED/dir', 'SHARED/file'), Target: fc.constantFrom('/n/c', '/n/d'), ReadOnly: fc.boolean(), BindOptions: maybe(fc.record({ Propagation: fc.constantFrom('rprivate', 'private', 'rslave', 'slave') })) }),
    fc.record({ Type: fc.constant('tmpfs'), Target: fc.constantFrom('/n/e', '/n/f'), TmpfsOptions: maybe(fc.record({ SizeBytes: fc.constantFrom(1048576, 65536), Mode: fc.constantFrom(0o1777, 0o700) })) }),
  )
  const ports = fc.dictionary(fc.constantFrom('80/tcp', '53/udp', '90/tcp'), few(fc.record({ HostIp: fc.constantFrom('', '127.0.0.1', '0.0.0.0', '::1'), HostPort: fc.constantFrom('', '18080', '18081-18085', '0') }), 2), { noNullPrototype: true })
  const memory = fc.integer({ min: 8, max: 512 }).map(mebibytes => mebibytes * 1048576)
  return fc.record({
    Binds: maybe(few(bind)),
    Mounts: maybe(few(mount)),
    Tmpfs: maybe(fc.constantFrom({ '/t': '' }, { '/t': 'rw,size=1m,mode=1777', '/u': 'noexec' })),
    VolumesFrom: maybe(fc.constantFrom(['peer'], ['peer:ro']), 7),
    PortBindings: maybe(ports), PublishAllPorts: maybe(fc.boolean()),
    RestartPolicy: maybe(fc.constantFrom({ Name: 'no' }, { Name: 'always' }, { Name: 'unless-stopped' }, { Name: 'on-failure', MaximumRetryCount: 3 })),
    AutoRemove: maybe(fc.boolean(), 7),
    CapAdd: maybe(some('NET_ADMIN', 'CAP_SYS_TIME', 'SYS_PTRACE')), CapDrop: maybe(some('ALL', 'MKNOD', 'CAP_CHOWN')),
    Dns: maybe(some('192.0.2.1', '2001:db8::1')), DnsOptions: maybe(some('ndots:2', 'use-vc')), DnsSearch: maybe(some('example.test', '.')),
    ExtraHosts: maybe(some('a.test:192.0.2.2', 'b.test:2001:db8::2', 'host.docker.internal:host-gateway')),
    GroupAdd: maybe(some('5', 'nogroup')),
    IpcMode: maybe(fc.constantFrom('private', 'shareable', 'none', 'host', 'container:peer')),
    PidMode: maybe(fc.constantFrom('', 'host', 'container:peer')),
    UTSMode: maybe(fc.constantFrom('', 'host')), UsernsMode: maybe(fc.constantFrom('', 'host')), CgroupnsMode: maybe(fc.constantFrom('private', 'host')),
    OomScoreAdj: maybe(fc.integer({ min: -500, max: 1000 })),
    Privileged: maybe(fc.boolean(), 5), ReadonlyRootfs: maybe(fc.boolean()), Init: maybe(fc.boolean()),
    SecurityOpt: maybe(some('no-new-privileges', 'seccomp=unconfined', 'label=disable')),
    ShmSize: maybe(fc.constantFrom(1048576, 67108864, 134217728)),
    Sysctls: maybe(fc.constantFrom({ 'net.core.somaxconn': '512' }, { 'net.ipv4.ip_forward': '0', 'kernel.shmmax': '1048576' })),
    Memory: maybe(memory), MemoryReservation: maybe(fc.constant(6291456)), MemorySwap: maybe(fc.constantFrom(-1, 1073741824, 0)), MemorySwappiness: maybe(fc.constantFrom(0, 60, -1)),
    NanoCpus: maybe(fc.constantFrom(500000000, 1500000000)), CpuShares: maybe(fc.integer({ min: 2, max: 2048 })), CpuPeriod: maybe(fc.constant(50000)), CpuQuota: maybe(fc.constantFrom(25000, -1)), CpusetCpus: maybe(fc.constantFrom('0', '0-1')), CpusetMems: maybe(fc.constant('0')),
    PidsLimit: maybe(fc.constantFrom(-1, 0, 100)), BlkioWeight: maybe(fc.integer({ min: 10, max: 1000 })),
    Ulimits: maybe(fc.constantFrom([{ Name: 'nofile', Soft: 1000, Hard: 2000 }], [{ Name: 'core', Soft: 0, Hard: 0 }, { Name: 'nproc', Soft: -1, Hard: -1 }])),
    OomKillDisable: maybe(fc.boolean()),
    LogConfig: maybe(fc.constantFrom({ Type: 'json-file', Config: { 'max-size': '1m' } }, { Type: 'local', Config: {} }, { Type: 'none', Config: {} }, { Type: '', Config: {} }, { Type: 'syslog', Config: { 'syslog-address': 'udp://192.0.2.9:514', 'tag': '{{.Name}}' } })),
    Devices: maybe(fc.constantFrom([{ PathOnHost: '/dev/null', PathInContainer: '/dev/other', CgroupPermissions: 'rw' }])), DeviceCgroupRules: maybe(some('c 1:* rmw', 'b 8:0 r')),
    BlkioDeviceReadBps: maybe(fc.constant([{ Path: '/dev/null', Rate: 1048576 }])),
    CgroupParent: maybe(fc.constantFrom('', '/dray-random')), Runtime: maybe(fc.constantFrom('runc', '')),
    MaskedPaths: maybe(fc.constantFrom([], ['/proc/kcore'])), ReadonlyPaths: maybe(fc.constantFrom([], ['/proc/sys'])),
    VolumeDriver: maybe(fc.constantFrom('', 'local')), ConsoleSize: maybe(fc.constant([24, 80])), Isolation: maybe(fc.constant('')),
    ...(compareApi(api, '1.43') >= 0 ? { Annotations: maybe(dictionary(word)) } : {}),
  })
}

type Networking = { readonly mode: string; readonly mac?: string; readonly endpoint: JsonObject | undefined; readonly more: readonly string[] }

function networking(): fc.Arbitrary<Networking> {
  const mode = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('static-net', 'six-net', 'inner-net') }, { weight: 3, arbitrary: fc.constantFrom('default', 'bridge') }, { weight: 2, arbitrary: fc.constantFrom('host', 'none', 'container:peer') })
  const endpoint = fc.record({ Aliases: maybe(few(fc.stringMatching(/^[a-z][a-z0-9]{1,8}$/))), IPAMConfig: maybe(fc.record({ last: fc.integer({ min: 100, max: 250 }) })), DriverOpts: maybe(fc.constantFrom({}, { 'com.example.opt': 'x' })), Links: maybe(fc.constantFrom(['peer:db'])) })
  return fc.record({ mode, mac: maybe(mac, 5), endpoint: fc.option(endpoint, { nil: undefined }), more: fc.oneof(fc.constant([]), fc.subarray(['static-net', 'six-net', 'inner-net'])) }) as fc.Arbitrary<Networking>
}

const subnets: Readonly<Record<string, string>> = { 'static-net': '10.97.71', 'six-net': '10.97.72', 'inner-net': '10.97.73' }

/** Valid for an engine of this API version, but for what it only finds out itself. */
export function randomSpecs(api: string): fc.Arbitrary<RandomSpec> {
  return fc.tuple(config(api), hostConfig(api), networking()).map(([ofConfig, ofHost, { mode, mac: address, endpoint, more }]) => {
    const isOwn = subnets[mode] !== undefined
    const body: JsonObject = withoutConflicts({ ...withoutNothing(ofConfig), HostConfig: withoutNothing({ ...ofHost, NetworkMode: mode }) })
    if (isOwn && endpoint !== undefined) body['NetworkingConfig'] = { EndpointsConfig: { [mode]: toEndpoint(mode, endpoint) } }
    if (address !== undefined && mode !== 'host' && !mode.startsWith('container:')) {
      body['MacAddress'] = address
      const settings = (body['NetworkingConfig'] as { EndpointsConfig?: Record<string, JsonObject> } | undefined)?.EndpointsConfig?.[mode]
      if (settings !== undefined && compareApi(api, '1.44') >= 0) settings['MacAddress'] = address
    }
    const connects = mode === 'host' || mode === 'none' || mode.startsWith('container:') ? [] : more.filter(network => network !== mode).map(network => ({ network, body: { EndpointConfig: { Aliases: [`also-${network}`], ...(compareApi(api, '1.48') >= 0 ? { GwPriority: network.length } : {}) } } }))
    return { body, connects }
  })
}

function toEndpoint(mode: string, { IPAMConfig, ...endpoint }: JsonObject): JsonObject {
  const last = (IPAMConfig as { last: number } | undefined)?.last
  const addresses = last === undefined ? {} : { IPAMConfig: { IPv4Address: `${subnets[mode] ?? ''}.${last}`, ...(mode === 'six-net' ? { IPv6Address: `fd97:72::${last}` } : {}) } }
  return { ...withoutNothing(endpoint), ...addresses }
}

/** What engines refuse together: without these rules hardly one spec in six would be valid. */
function withoutConflicts(body: JsonObject): JsonObject {
  const host = (body['HostConfig'] ?? {}) as JsonObject
  const shares = typeof host['NetworkMode'] === 'string' && host['NetworkMode'].startsWith('container:')
  const ofHost = [
    ...(shares ? ['Dns', 'ExtraHosts', 'PortBindings', 'PublishAllPorts', 'UTSMode'] : []),
    ...(host['NanoCpus'] === undefined ? [] : ['CpuPeriod', 'CpuQuota']),
    ...(host['Memory'] === undefined ? ['MemorySwap', 'MemoryReservation', 'MemorySwappiness'] : []),
    ...(host['AutoRemove'] === true ? ['RestartPolicy'] : []),
  ]
  const ofConfig = [...(shares || host['NetworkMode'] === 'host' || host['UTSMode'] === 'host' ? ['Hostname', 'Domainname'] : []), ...(shares ? ['ExposedPorts'] : [])]
  return { ...without(body, ofConfig), HostConfig: without(host, ofHost) }
}

function without(object: JsonObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([field]) => !fields.includes(field)))
}

function withoutNothing(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined).map(([key, value]) => [key, Array.isArray(value) ? value.map(each => (typeof each === 'object' && each !== null && !Array.isArray(each) ? withoutNothing(each) : each)) : value]))
}
