import { describe, expect, test } from '@jest/globals'
import type { MountPoint } from '../../../src/engine/api-types.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import type { ContainerRecord } from '../../../src/engine/spec/spec-record.ts'
import type { BindKind } from '../../../src/mounts/bind-kind.ts'
import { checkPatterns, planMounts, type MountPlan } from '../../../src/workflows/steps/plan-mounts.ts'

const engine = { facts: { rootDir: '/var/lib/docker' }, shell: { kind: 'local' } } as unknown as Engine

function bind(source: string, destination = source): MountPoint {
  return { Type: 'bind', Source: source, Destination: destination, Mode: '', RW: true, Propagation: 'rprivate' }
}

function volume(name: string, destination: string): MountPoint {
  return { Type: 'volume', Name: name, Source: `/var/lib/docker/volumes/${name}/_data`, Destination: destination, Driver: 'local', Mode: 'z', RW: true, Propagation: '' }
}

async function plan(mounts: MountPoint[], { include = [], exclude = [], kinds = {} }: { include?: string[]; exclude?: string[]; kinds?: Record<string, BindKind> } = {}): Promise<MountPlan> {
  const volumes = mounts.flatMap(({ Name }) => (Name === undefined ? [] : [{ Name, Driver: 'local', Mountpoint: `/var/lib/docker/volumes/${Name}/_data`, Labels: null, Options: null, Scope: 'local' }]))
  const record = { inspect: { Name: '/web', Mounts: mounts, Config: { Volumes: null }, HostConfig: { Binds: mounts.map(({ Name, Source, Destination }) => `${Name ?? Source}:${Destination}`), Tmpfs: { '/tmp': '' } } }, volumes, networks: [], peers: [] } as unknown as ContainerRecord
  return await planMounts({ engine, record, include, exclude, repositoryPath: '/srv/backups', kindOf: path => Promise.resolve(kinds[path] ?? 'directory') })
}

describe('mounts of a backup', () => {
  test('volumes, directories and files are captured, by destination; a source at two of them once', async () => {
    const { captured } = await plan([bind('/srv/site'), volume('data', '/b'), volume('data', '/a'), bind('/etc/app.conf')], { kinds: { '/etc/app.conf': 'file' } })
    expect(captured.map(({ id, target, destinations }) => [id, target.kind, destinations.map(({ path }) => path)])).toEqual([['m1', 'volume', ['/a', '/b']], ['m2', 'file', ['/etc/app.conf']], ['m3', 'directory', ['/srv/site']]])
  })

  test.each(['/', '/proc', '/sys/fs', '/dev/snd', '/run/x', '/var/run/docker.sock', '/etc/localtime', '/etc/timezone', '/lib/modules', '/var/lib/docker', '/var/lib/docker/overlay2', '/var', '/srv/backups', '/srv/backups/x', '/srv'])('%s is not captured unless asked', async source => {
    const { captured, leftOut } = await plan([bind(source, '/m')])
    expect(captured).toEqual([])
    expect(leftOut.find(({ destination }) => destination === '/m')).toMatchObject({ source, canBeAsked: true })
    expect((await plan([bind(source, '/m')], { include: ['/m'] })).captured).toHaveLength(1)
  })

  test('a directory beside the engine\'s data is captured, and a volume\'s directory that is bound by its path', async () => {
    expect((await plan([bind('/var/lib/docker-registry'), bind('/var/lib/docker/volumes/x/_data')])).captured).toHaveLength(2)
  })

  test('tmpfs and sockets can never be captured; a missing source should have been', async () => {
    const { leftOut, missing } = await plan([bind('/srv/socket'), bind('/srv/gone')], { kinds: { '/srv/socket': 'socket', '/srv/gone': 'missing' } })
    expect(leftOut.map(({ destination, canBeAsked }) => [destination, canBeAsked])).toEqual([['/tmp', false], ['/srv/socket', false]])
    expect(missing.map(({ destination }) => destination)).toEqual(['/srv/gone'])
  })

  test('--exclude takes names, destinations and globs; a name that is none of them is a mistake', async () => {
    const mounts = [volume('cache-a', '/a'), volume('data', '/d'), bind('/srv/site', '/site')]
    expect((await plan(mounts, { exclude: ['cache-*', '/site'] })).captured.map(({ label }) => label)).toEqual(['data'])
    expect((await plan(mounts, { exclude: ['nothing-*'] })).captured).toHaveLength(3)
    const containers = [{ name: 'web', mounts }, { name: 'db', mounts: [volume('db', '/db')] }]
    expect(() => checkPatterns(containers.slice(0, 1), ['db'])).toThrow('"db" names no mount of container "web"')
    expect(() => checkPatterns(containers, ['db', 'cache-*', '/site/', 'nothing-*'])).not.toThrow()
    expect(() => checkPatterns(containers, ['dta'])).toThrow('"dta" names no mount of any of the containers')
  })
})
