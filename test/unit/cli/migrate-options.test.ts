import { describe, expect, test } from '@jest/globals'
import { readMigrateOptions } from '../../../src/cli/migrate-options.ts'

describe('the words of migrate', () => {
  test('are the containers, and then the two engines', () => {
    const { source, target, via, compress, options } = readMigrateOptions({ what: ['web', 'db', 'web', 'ssh://old', 'default'] })
    expect({ source, target, via, compress }).toEqual({ source: 'ssh://old', target: 'default', via: { kind: 'stream' }, compress: 'auto' })
    expect(options).toMatchObject({ containers: ['web', 'db'], projects: [], consistency: 'stop', precopy: true, removeSource: false })
  })

  test('need no container with a project', () => {
    expect(readMigrateOptions({ what: ['ssh://old', 'ssh://new'], project: ['shop'] }).options).toMatchObject({ containers: [], projects: ['shop'] })
  })

  test.each([
    [['web', 'ssh://old'], /name a container before the two engines/],
    [['web'], /name the containers, the engine they are on/],
    [[], /name the containers/],
    [['ssh://old', 'web', 'ssh://new'], /"ssh:\/\/old" is no name of a container/],
    [['web', 'ssh://old', 'nonsense://new'], /unknown scheme/],
    [['web', 'ssh://old', 'ssh://old'], /source and target are both "ssh:\/\/old"/],
  ])('%j is a mistake', (what, message) => {
    expect(() => readMigrateOptions({ what })).toThrow(message)
  })

  test('the route is stream, a registry or a file', () => {
    const via = (text: string) => readMigrateOptions({ what: ['web', 'a', 'b'], via: text }).via
    expect(via('registry=reg:5000/x')).toEqual({ kind: 'registry', where: 'reg:5000/x' })
    expect(via('file=/srv/web.tar')).toEqual({ kind: 'file', where: '/srv/web.tar' })
    for (const wrong of ['registry', 'file=', 'pigeon']) expect(() => via(wrong)).toThrow(/--via cannot be/)
  })
})
