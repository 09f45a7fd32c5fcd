import { describe, expect, test } from '@jest/globals'
import { readExtractMessages, readTarMessages, unescapeName } from '../../../src/mounts/tar-messages.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

describe('what tar says while it reads', () => {
  test.each([
    ['tar: ./a: File removed before we read it', './a', 'vanished'],
    ['tar: ./a: Cannot stat: No such file or directory', './a', 'vanished'],
    ['tar: ./a: Cannot open: No such file or directory', './a', 'vanished'],
    ['tar: ./a: Warning: Cannot open: No such file or directory', './a', 'vanished'],
    ['tar: ./a: File shrank by 66 bytes; padding with zeros', './a', 'shrank'],
    ['tar: ./a: File shrank by 1 byte; padding with zeros', './a', 'shrank'],
    ['tar: ./a: file changed as we read it', './a', 'changed'],
    ['tar: ./a: Cannot open: Permission denied', './a', 'unreadable'],
    ['tar: ./a: Cannot stat: File name too long', './a', 'unreadable'],
    ['tar: ./a: Read error at byte 4096, while reading 512 bytes: Input/output error', './a', 'unreadable'],
    ['/usr/bin/tar: ./a\\nb\\:\\377\\\\: file changed as we read it', './a\nb:\xff\\', 'changed'],
    ['tar: ./colon\\: Cannot stat: file changed as we read it', './colon: Cannot stat', 'changed'],
  ])('%s', (line, path, problem) => {
    expect(readTarMessages([line])).toEqual({ problems: [{ path: latin1(path), problem, detail: expect.any(String) }], unknown: [] })
  })

  test('sockets, odd times and the closing line are nothing; everything else is unknown', () => {
    expect(readTarMessages(['tar: ./s: socket ignored', 'tar: ./o: implausibly old time stamp 1960-01-02', 'tar: Exiting with failure status due to previous errors', ''])).toEqual({ problems: [], unknown: [] })
    const lines = ['tar: unrecognized option \'--xattrs\'', 'sh: 1: tar: not found', 'Killed', 'tar: -: Wrote only 4096 of 10240 bytes']
    expect(readTarMessages(lines)).toEqual({ problems: [], unknown: lines })
  })
})

test('names are given back byte for byte', () => {
  expect(unescapeName('\\a\\b\\f\\n\\r\\t\\v\\\\\\:\\001\\377 é'.replace('é', '\\303\\251'))).toEqual(latin1('\x07\b\f\n\r\t\v\\:\x01\xff \xc3\xa9'))
})

describe('what tar says while it extracts', () => {
  test.each([
    'tar: setxattrat: Cannot set \'user.x\' extended attribute for file \'./f\': Operation not supported',
    'tar: ./f: Cannot change ownership to uid 5, gid 5: Operation not permitted',
    'tar: ./d: Cannot mknod: Operation not permitted',
  ])('a refused attribute is a problem: %s', line => {
    expect(readExtractMessages([line, 'tar: Exiting with failure status due to previous errors'])).toEqual({ problems: [line.slice(5)], unknown: [] })
  })

  test.each(['tar: ./f: Cannot open: Not a directory', 'tar: Unexpected EOF in archive', 'tar: ./f: Cannot write: No space left on device', 'tar: ./f: Cannot mkdir: No space left on device', 'tar: ./d: Cannot mknod: No space left on device'])('a failure is not: %s', line => {
    expect(readExtractMessages([line])).toEqual({ problems: [], unknown: [line] })
  })
})
