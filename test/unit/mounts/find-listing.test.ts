import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { parseFoundEntry } from '../../../src/mounts/find-listing.ts'
import { isBelowAny, mountPointsBelow } from '../../../src/mounts/mount-points.ts'
import { recordsOf } from '../../../src/mounts/process-output.ts'

test('a record is read to the last byte of its path', () => {
  const record = Buffer.from('f 12 4755 3000000 33 -315521755.1234567890 1795233300.7027769420 4711 2 65024 ./a b\n\xff ', 'latin1')
  expect(parseFoundEntry(record)).toEqual({ path: Buffer.from('./a b\n\xff ', 'latin1'), type: 'f', size: 12, mode: 0o4755, uid: 3_000_000, gid: 33, mtime: '-315521755.123456789', ctime: '1795233300.702776942', inode: '4711', links: 2, device: '65024' })
})

test('a file system without a fraction of seconds has nine zeros', () => {
  expect(parseFoundEntry(Buffer.from('d 0 755 0 0 5 6.5 1 1 1 .')).mtime).toBe('5.000000000')
  expect(parseFoundEntry(Buffer.from('d 0 755 0 0 5 6.5 1 1 1 .')).ctime).toBe('6.500000000')
})

test.each(['', 'find: something', 'U 0 0 0 0 0 0 0 0 0 ./x', 'f 0 0'])('what is no record is an error: %j', text => {
  expect(() => parseFoundEntry(Buffer.from(text))).toThrow('cannot be understood')
})

test('records come whole from chunks of any size', async () => {
  const whole = Buffer.from('one\0two\0\0three\0')
  for (let size = 1; size <= whole.length; size++) {
    const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) => whole.subarray(index * size, (index + 1) * size))
    const records: string[] = []
    for await (const batch of recordsOf(Readable.from(chunks), 0)) records.push(...batch.map(String))
    expect(records).toEqual(['one', 'two', '', 'three'])
  }
})

test('mount points below a directory, with their octal escapes', () => {
  const mountinfo = Buffer.from(['/', '/srv', '/srv/data', '/srv/data/a\\040b', '/srv/data/x/y\\134\\012z', '/srv/database'].map((point, id) => `${id} 1 8:1 / ${point} rw - ext4 /dev/x rw`).join('\n'))
  const points = mountPointsBelow(mountinfo, Buffer.from('/srv/data'))
  expect(points.map(String)).toEqual(['./a b', './x/y\\\nz'])
  expect(mountPointsBelow(mountinfo, Buffer.from('/')).map(String)).toContain('./srv')
  expect(isBelowAny(Buffer.from('./a b/c'), points)).toBe(true)
  expect(isBelowAny(Buffer.from('./a b'), points)).toBe(false)
  expect(isBelowAny(Buffer.from('./a bc'), points)).toBe(false)
})
