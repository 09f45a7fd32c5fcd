import { describe, expect, test } from '@jest/globals'
import { DrayError } from '../../../src/errors/dray-error.ts'
import { readRemaps, readRestoreOptions } from '../../../src/cli/restore-options.ts'

describe('maps of restore', () => {
  test.each([
    ['80:8080', '80', '8080'],
    ['127.0.0.1:80:8080', '127.0.0.1:80', '8080'],
    ['80:127.0.0.1:8080', '80', '127.0.0.1:8080'],
    ['127.0.0.1:80:0.0.0.0:8080', '127.0.0.1:80', '0.0.0.0:8080'],
  ])('port %s', (pair, from, to) => {
    expect([...readRemaps({ mapPort: [pair] }).ports]).toEqual([[from, to]])
  })

  test('volumes, binds and networks', () => {
    const maps = readRemaps({ mapVolume: ['data:data2'], mapBind: ['/srv/a:/srv/b'], mapNetwork: ['front:back', 'x:y'] })
    expect(maps.volumes.get('data')).toBe('data2')
    expect(maps.binds.get('/srv/a')).toBe('/srv/b')
    expect([...maps.networks]).toEqual([['front', 'back'], ['x', 'y']])
  })

  test.each([{ mapPort: ['80'] }, { mapVolume: ['a'] }, { mapVolume: [':b'] }, { mapVolume: ['a:'] }, { mapVolume: ['a:b:c'] }, { mapBind: ['a:b'] }, { mapVolume: ['a:b', 'a:c'] }])('%j is a usage error', args => {
    expect(() => readRemaps(args)).toThrow(DrayError)
  })

  test('a name that no container can have is refused before anything is touched', () => {
    expect(() => readRestoreOptions({ name: 'a/b' })).toThrow('cannot be the name of a container')
    expect(readRestoreOptions({ name: 'web-2' })).toMatchObject({ name: 'web-2', start: true, replace: false })
  })
})
