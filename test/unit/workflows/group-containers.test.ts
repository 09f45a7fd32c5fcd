import { describe, expect, test } from '@jest/globals'
import type { ContainerSummary, Engine } from '../../../src/engine/engine.ts'
import { chooseContainers, type Selection } from '../../../src/workflows/steps/choose-containers.ts'
import { groupContainers } from '../../../src/workflows/steps/group-containers.ts'
import { mergeMounts } from '../../../src/workflows/steps/merge-mounts.ts'
import type { PlannedMount } from '../../../src/workflows/steps/plan-mounts.ts'

type Wishes = { readonly labels?: Record<string, string>; readonly project?: string; readonly volumes?: readonly string[] }

function container(name: string, { labels = {}, project, volumes = [] }: Wishes = {}): ContainerSummary {
  const Mounts = volumes.map(volume => ({ Type: 'volume' as const, Name: volume.replace(':ro', ''), Source: '', Destination: '/data', Mode: '', RW: !volume.endsWith(':ro'), Propagation: '' }))
  const id = Buffer.from(name).toString('hex').padEnd(64, '0')
  return { Id: id, Names: [`/${name}`], Image: 'box:1', ImageID: '', State: 'running', Created: 0, Labels: { ...labels, ...(project === undefined ? {} : { 'com.docker.compose.project': project }) }, Mounts }
}

const nameOf = ({ Names }: ContainerSummary): string => (Names[0] ?? '').slice(1)
const groups = (...containers: ContainerSummary[]): string[][] => groupContainers(containers).map(group => group.map(nameOf))

describe('consistency groups', () => {
  test('are a project, a dray.group, and those that share a volume which one of them writes', () => {
    expect(groups(container('a', { project: 'p' }), container('x'), container('b', { project: 'p' }), container('c', { project: 'q' }))).toEqual([['a', 'b'], ['x'], ['c']])
    expect(groups(container('a', { labels: { 'dray.group': 'g' } }), container('b', { labels: { 'dray.group': 'g' } }), container('c', { labels: { 'dray.group': 'h' } }))).toEqual([['a', 'b'], ['c']])
    expect(groups(container('a', { volumes: ['data'] }), container('b', { volumes: ['data:ro'] }), container('c', { volumes: ['other'] }))).toEqual([['a', 'b'], ['c']])
    expect(groups(container('a', { volumes: ['data:ro'] }), container('b', { volumes: ['data:ro'] }))).toEqual([['a'], ['b']])
  })

  test('are joined by what they have in common, and dray.group takes the place of the project', () => {
    expect(groups(container('a', { project: 'p', volumes: ['v'] }), container('b', { project: 'q' }), container('c', { project: 'q', volumes: ['v'] }))).toEqual([['a', 'b', 'c']])
    expect(groups(container('a', { project: 'p' }), container('b', { project: 'p', labels: { 'dray.group': 'own' } }))).toEqual([['a'], ['b']])
  })
})

describe('selection', () => {
  const there = [container('web-1', { project: 'shop', labels: { tier: 'front' } }), container('web-2', { project: 'shop', labels: { 'tier': 'front', 'dray.backup': 'false' } }), container('db', { labels: { tier: 'back' } }), container('drayage-x', { labels: { 'dev.drayage.temporary': 'true' } })]
  const engine = { address: 'unix:///e', containers: { list: () => Promise.resolve(there) } } as unknown as Engine
  const choose = async (selection: Partial<Selection>) => {
    const { chosen, failed, unwanted } = await chooseContainers(engine, { names: [], all: false, projects: [], labels: [], ...selection }, new AbortController().signal)
    return { chosen: chosen.map(nameOf), failed: failed.map(({ what }) => what), unwanted }
  }

  test('is of names, beginnings of ids, globs, projects, labels, or all; each container once', async () => {
    expect(await choose({ all: true })).toEqual({ chosen: ['db', 'web-1'], failed: [], unwanted: ['web-2'] })
    expect(await choose({ names: ['web-*', there[0]?.Id.slice(0, 12) ?? ''], projects: ['shop'] })).toEqual({ chosen: ['web-1'], failed: [], unwanted: ['web-2'] })
    expect(await choose({ labels: ['tier=back'] })).toMatchObject({ chosen: ['db'] })
    expect(await choose({ labels: ['tier'] })).toMatchObject({ chosen: ['db', 'web-1'] })
  })

  test('takes one with dray.backup=false when it is named', async () => {
    expect(await choose({ names: ['web-2'] })).toEqual({ chosen: ['web-2'], failed: [], unwanted: [] })
    const { chosen } = await chooseContainers(engine, { names: [], all: false, projects: ['shop'], labels: [] }, new AbortController().signal, { heedsLabel: false })
    expect(chosen.map(nameOf)).toEqual(['web-1', 'web-2'])
  })

  test('that fits nothing names what there is', async () => {
    await expect(choose({ names: ['api-*'] })).rejects.toMatchObject({ code: 'not-found', hints: ['its containers: db, web-1, web-2'] })
    await expect(choose({ projects: ['shp'] })).rejects.toMatchObject({ code: 'not-found', hints: ['did you mean "shop"?', 'its projects: shop'] })
    await expect(choose({ labels: ['tier=none'] })).rejects.toMatchObject({ code: 'not-found' })
    await expect(choose({ names: ['bd'] })).rejects.toMatchObject({ code: 'not-found', hints: ['did you mean "db"?', 'docker ps -a shows the containers'] })
    await expect(choose({ names: ['web-2*'] })).rejects.toMatchObject({ code: 'not-found', hints: [expect.stringContaining('web-2')] })
    expect(await choose({ names: ['db', 'nobody', 'x*'] })).toEqual({ chosen: ['db'], failed: ['container "nobody"', 'container "x*"'], unwanted: [] })
  })
})

test('a mount of several containers is one, with the places of all', () => {
  const mount = (id: string, name: string, anonymous: boolean, path: string, readOnly: boolean): PlannedMount => ({ id, label: anonymous ? `anonymous volume at ${path}` : name, target: { kind: 'volume', name, mountpoint: '', driver: 'local' }, anonymous, destinations: [{ path, readOnly }] })
  const { mounts, mountedBy } = mergeMounts([[mount('m1', 'data', false, '/data', true)], [mount('m1', 'own', false, '/own', false), mount('m2', 'data', true, '/data', false), mount('m3', 'data', true, '/else', true)]])
  expect(mounts.map(({ id, label, anonymous, destinations }) => ({ id, label, anonymous, destinations }))).toEqual([
    { id: 'm1', label: 'anonymous volume at /data', anonymous: true, destinations: [{ path: '/data', readOnly: false }, { path: '/else', readOnly: true }] },
    { id: 'm2', label: 'own', anonymous: false, destinations: [{ path: '/own', readOnly: false }] },
  ])
  expect(mountedBy).toEqual([[{ id: 'm1', destinations: ['/data'] }], [{ id: 'm2', destinations: ['/own'] }, { id: 'm1', destinations: ['/data'] }, { id: 'm1', destinations: ['/else'] }]])
})
