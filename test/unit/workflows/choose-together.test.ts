import { describe, expect, test } from '@jest/globals'
import type { ContainerRecord } from '../../../src/engine/spec/spec-record.ts'
import { inOrder, inWaves, neededBy } from '../../../src/workflows/steps/choose-together.ts'

type Wishes = { readonly service?: string; readonly dependsOn?: string; readonly project?: string; readonly host?: object }

function container(name: string, { service = name, dependsOn = '', project = 'shop', host = {} }: Wishes = {}): { readonly spec: ContainerRecord } {
  const inspect = { Id: name.padEnd(64, '0'), Name: `/${name}`, Config: { Labels: { 'com.docker.compose.project': project, 'com.docker.compose.service': service, 'com.docker.compose.depends_on': dependsOn } }, HostConfig: { NetworkMode: 'default', ...host }, NetworkSettings: { Networks: {} } }
  return { spec: { inspect, peers: [] } as unknown as ContainerRecord }
}

const names = (containers: readonly { readonly spec: ContainerRecord }[]): string[] => containers.map(({ spec }) => spec.inspect.Name.slice(1))

describe('containers that move together', () => {
  test('are in the order in which they need each other', () => {
    const web = container('web', { dependsOn: 'app:service_healthy:false,cache:service_started:true' })
    const app = container('app', { dependsOn: 'db:service_healthy:false' })
    const all = [web, app, container('cache'), container('side', { host: { NetworkMode: 'container:web' } }), container('db')]
    expect(names(inOrder(all))).toEqual(['db', 'app', 'cache', 'web', 'side'])
    expect(names(neededBy(web, all))).toEqual(['app', 'cache'])
    expect(inWaves(all).map(names)).toEqual([['db', 'cache'], ['app'], ['web'], ['side']])
  })

  test('need one by links, volumes-from and namespaces', () => {
    const data = container('data')
    for (const host of [{ Links: ['/data:/x/alias'] }, { VolumesFrom: ['data:ro'] }, { PidMode: 'container:data' }, { IpcMode: 'container:data' }]) {
      expect(names(inOrder([container('user', { host }), data]))).toEqual(['data', 'user'])
    }
  })

  test('of another project are not meant by depends_on', () => {
    expect(names(inOrder([container('web', { dependsOn: 'db:service_started:true' }), container('db', { project: 'other' })]))).toEqual(['web', 'db'])
  })

  test('that need each other in a circle stay in the given order', () => {
    const circle = [container('one', { dependsOn: 'two:x:y' }), container('two', { dependsOn: 'one:x:y' })]
    expect(names(inOrder(circle))).toEqual(['two', 'one'])
    expect(inWaves(circle).map(names)).toEqual([['two'], ['one']])
  })
})
