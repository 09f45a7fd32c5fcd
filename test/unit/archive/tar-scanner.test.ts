import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, linkSync, lstatSync, lutimesSync, mkdirSync, mkdtempSync, openSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TarScanner, type TarPart } from '../../../src/archive/tar-scanner.ts'
import type { TarEntry } from '../../../src/archive/tar-entry.ts'

const damaged: unknown = expect.objectContaining({ code: 'damaged' })
const isRoot = process.getuid?.() === 0

type Scan = { entries: TarEntry[]; data: Map<string, Buffer>; raw: Record<TarPart, number>; scanner: TarScanner; order: string }

function scan(pieces: readonly Buffer[]): Scan {
  const entries: TarEntry[] = []
  const data = new Map<string, Buffer>()
  const raw = { header: 0, data: 0, padding: 0, end: 0 }
  const parts: Buffer[] = []
  let body: Buffer[] = []
  let order = ''
  const scanner = new TarScanner({
    onEntry(entry) {
      entries.push(entry)
      body = []
      order += '('
    },
    onData: slice => body.push(slice),
    onEntryEnd(entry) {
      data.set(entry.name.toString('latin1'), Buffer.concat(body))
      order += ')'
    },
    onRaw(slice, part) {
      raw[part] += slice.length
      parts.push(slice)
      if (order.at(-1) !== part.charAt(0)) order += part.charAt(0)
    },
  })
  for (const piece of pieces) scanner.scan(piece)
  scanner.end()
  expect(Buffer.concat(parts).equals(Buffer.concat(pieces))).toBe(true)
  return { entries, data, raw, scanner, order }
}

function randomSplit(bytes: Buffer, next: () => number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = next() < 0.5 ? 1 + Math.floor(next() * 700) : 1 + Math.floor(next() * 100_000)
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return pieces
}

function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dray-tar-'))
  makeTree(join(folder, 'tree'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function makeTree(root: string): void {
  mkdirSync(root)
  const at = (name: string | Buffer) => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name)])
  writeFileSync(at('plain'), 'hello\n')
  writeFileSync(at('empty'), '')
  writeFileSync(at('block'), Buffer.alloc(512, 'b'))
  writeFileSync(at('large'), Buffer.alloc(3_000_001, 'large'))
  writeFileSync(at(Buffer.from([0x66, 0xff, 0xfe, 0x0a, 0x7f])), 'not utf-8')
  writeFileSync(at('new\nline \\ "quotes" \t'), 'odd')
  mkdirSync(at('d'.repeat(120)))
  writeFileSync(at(`${'d'.repeat(120)}/${'n'.repeat(250)}`), 'long')
  writeFileSync(at(`${'d'.repeat(120)}/${'\xe4'.repeat(100)}`), 'long and not ascii')
  symlinkSync('t'.repeat(300), at('long-symlink'))
  symlinkSync('plain', at('symlink'))
  linkSync(at('plain'), at('zz-hardlink'))
  linkSync(at(`${'d'.repeat(120)}/${'n'.repeat(250)}`), at('zz-long-hardlink'))
  mkdirSync(at('setgid'), { mode: 0o755 })
  execFileSync('chmod', ['2751', join(root, 'setgid')])
  execFileSync('chmod', ['4711', join(root, 'empty')])
  execFileSync('mkfifo', [join(root, 'fifo')])
  for (const [name, seconds] of [['plain', -1.5], ['block', -86_400], ['symlink', 1_600_000_000.123456], ['setgid', 0], ['empty', 2 ** 34 + 0.5]] as const) lutimesSync(at(name), seconds, seconds)
  for (const holes of [0, 3, 40]) {
    const file = openSync(at(`sparse-${holes}`), 'w')
    for (let i = 0; i < holes; i++) writeSync(file, Buffer.alloc(4096, i + 1), 0, 4096, i * 1_000_000)
    ftruncateSync(file, 50_000_000)
    closeSync(file)
  }
  execFileSync('setfattr', ['-n', 'user.text', '-v', 'value', join(root, 'plain')])
  execFileSync('setfattr', ['-n', 'user.binary', '-v', '0x000a3d3100ff', join(root, 'plain')])
  if (!isRoot) return
  execFileSync('mknod', [join(root, 'zero'), 'c', '1', '5'])
  execFileSync('mknod', [join(root, 'disk'), 'b', '4095', '1048575'])
  execFileSync('chown', ['-h', '3000000:4294967294', join(root, 'large')])
  execFileSync('chown', ['-h', '65534:7', join(root, 'long-symlink')])
}

const gnuTar = (...options: string[]) => execFileSync('tar', ['-c', '--numeric-owner', '--sort=name', '-C', folder, ...options, 'tree'], { maxBuffer: 2 ** 30 })

/** GNU tar's own knowledge of an archive is what it was made from. */
function expectLikeDisk({ entries, data, raw, scanner, order }: Scan, tar: Buffer, { exactTimes }: { exactTimes: boolean }): void {
  const inodes = new Map<string, bigint>()
  let position = 0
  for (const entry of entries) {
    const path = Buffer.concat([Buffer.from(`${folder}/`), entry.name.at(-1) === 0x2f ? entry.name.subarray(0, -1) : entry.name])
    const disk = lstatSync(path, { bigint: true })
    expect(entry.headerStart).toBe(position)
    position = entry.recordEnd
    expect([entry.mode, entry.uid, entry.gid]).toEqual([Number(disk.mode & 0o7777n), Number(disk.uid), Number(disk.gid)])
    const nanoseconds = BigInt(entry.mtime.replace('.', ''))
    if (exactTimes) expect(nanoseconds).toBe(disk.mtimeNs)
    else expect(BigInt(Math.floor(Number(disk.mtimeNs / 1000n) / 1e6)) * 1_000_000_000n).toBe(nanoseconds)
    const type = disk.isDirectory() ? '5' : disk.isSymbolicLink() ? '2' : disk.isCharacterDevice() ? '3' : disk.isBlockDevice() ? '4' : disk.isFIFO() ? '6' : '0'
    const key = entry.name.toString('latin1')
    if (entry.type === '1') {
      expect(inodes.get(entry.linkName.toString('latin1'))).toBe(disk.ino)
      expect(entry.size).toBe(0)
      continue
    }
    inodes.set(key, disk.ino)
    expect(entry.type === 'S' ? '0' : entry.type).toBe(type)
    if (type === '2') expect(entry.linkName.equals(readlinkSync(path, 'buffer'))).toBe(true)
    if (type === '3' || type === '4') expect([entry.devMajor, entry.devMinor]).toEqual(path.toString().endsWith('zero') ? [1, 5] : [4095, 1_048_575])
    if (type !== '0') continue
    expect(entry.realSize).toBe(Number(disk.size))
    expect(tar.subarray(entry.dataStart, entry.dataEnd).equals(data.get(key)!)).toBe(true)
    if (!entry.sparse) expect(data.get(key)!.equals(readFileSync(path))).toBe(true)
    else expect(entry.size).toBeLessThan(entry.realSize)
  }
  expect(position).toBe(scanner.endedAt)
  expect(scanner.position).toBe(tar.length)
  expect(raw.header + raw.data + raw.padding).toBe(scanner.endedAt)
  expect(raw.data).toBe(entries.reduce((sum, { size }) => sum + size, 0))
  expect(order).toMatch(/^(h\((d\)p?|\)))+e$/)
}

describe.each([
  ['pax', ['--format=pax', '--xattrs', '--xattrs-include=*', '--acls', '--exclude=sparse-*'], true],
  ['pax with sparse 1.0', ['--format=pax', '--sparse', '--sparse-version=1.0', '--xattrs'], true],
  ['pax with sparse 0.1', ['--format=pax', '--sparse', '--sparse-version=0.1'], true],
  ['pax with sparse 0.0', ['--format=pax', '--sparse', '--sparse-version=0.0'], true],
  ['gnu', ['--format=gnu', '--exclude=sparse-*'], false],
  ['gnu with sparse', ['--format=gnu', '--sparse'], false],
  ['oldgnu with sparse', ['--format=oldgnu', '--sparse'], false],
] as const)('GNU tar, %s', (_, options, exactTimes) => {
  test('every entry is as it is on the disk, however the bytes arrive', () => {
    const tar = gnuTar(...options)
    const whole = scan([tar])
    expect(whole.entries.map(entry => entry.name.toString('latin1'))).toContain('tree/')
    const isSparse = options.some(option => option === '--sparse')
    expect(whole.entries.length).toBe(execFileSync('find', [join(folder, 'tree'), '-printf', '.']).length - (isSparse ? 0 : 3))
    expect(whole.entries.filter(entry => entry.sparse).length).toBe(isSparse ? 3 : 0)
    expectLikeDisk(whole, tar, { exactTimes })
    const next = randomFrom(7)
    for (let run = 0; run < 10; run++) expectLikeDisk(scan(randomSplit(tar, next)), tar, { exactTimes })
    expect(scan(Array.from({ length: Math.ceil(tar.length / 511) }, (__, i) => tar.subarray(i * 511, (i + 1) * 511))).entries).toEqual(whole.entries)
  })
})

test('extended attributes come as raw bytes', () => {
  const { entries } = scan([gnuTar('--format=pax', '--xattrs', '--sparse')])
  const { paxRecords } = entries.find(entry => entry.name.equals(Buffer.from('tree/plain')))!
  expect(paxRecords.get('SCHILY.xattr.user.text')).toEqual(Buffer.from('value'))
  expect(paxRecords.get('SCHILY.xattr.user.binary')).toEqual(Buffer.from([0, 0x0a, 0x3d, 0x31, 0, 0xff]))
})

describe('the end', () => {
  const tar = () => gnuTar('--format=pax', '--exclude=sparse-*', '--exclude=large')

  test('a tar that is cut anywhere is damaged, also between two entries', () => {
    const whole = tar()
    const { endedAt } = scan([whole]).scanner
    for (let length = 0; length < endedAt! + 1024; length += length % 512 === 511 ? 1 : length % 512 === 0 ? 1 : 510) {
      expect(() => scan([whole.subarray(0, length)])).toThrow(damaged)
    }
    expect(scan([whole.subarray(0, endedAt! + 1024)]).scanner.endedAt).toBe(endedAt)
    expect(() => scan([])).toThrow(damaged)
  })

  test('anything but zeros behind it is damage', () => {
    const whole = tar()
    const { endedAt } = scan([whole]).scanner
    for (const at of [endedAt! + 512, endedAt! + 1023, endedAt! + 1024, whole.length - 1]) {
      const changed = Buffer.from(whole)
      changed[at] = 1
      expect(() => scan([changed])).toThrow(damaged)
    }
    expect(() => scan([whole, whole])).toThrow(damaged)
    expect(() => scan([whole, Buffer.from('{"errorDetail":{}}')])).toThrow(damaged)
    expect(scan([whole, Buffer.alloc(1_000_000)]).entries.length).toBeGreaterThan(10)
  })

  test('the message names the entry and the position', () => {
    const whole = tar()
    const entry = scan([whole]).entries.find(({ size }) => size === 512)!
    expect(() => scan([whole.subarray(0, entry.dataStart + 100)])).toThrow(`the tar is cut at byte ${entry.dataStart + 100}, within "tree/block"`)
  })
})

describe('headers made by hand', () => {
  const number = (value: number, length: number) => value.toString(8).padStart(length - 1, '0') + '\0'

  function block({ name = 'f', type = '0', size = number(0, 12), mtime = number(0, 12), magic = 'ustar\x0000', prefix = '' } = {}): Buffer {
    const header = Buffer.alloc(512)
    for (const [at, value] of [[0, name], [100, number(0o644, 8)], [108, number(0, 8)], [116, number(0, 8)], [124, size], [136, mtime], [148, ' '.repeat(8)], [156, type], [257, magic], [345, prefix]] as const) header.write(value, at, 'latin1')
    header.write(number(header.reduce((sum, byte) => sum + byte, 0), 7) + ' ', 148, 'latin1')
    return header
  }
  const padded = (text: string) => Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc((512 - (text.length % 512)) % 512)])
  const meta = (type: string, text: string) => Buffer.concat([block({ type, size: number(text.length, 12) }), padded(text)])
  const record = (name: string, value: string) => {
    let length = name.length + value.length + 3
    while (String(length).length + name.length + value.length + 3 !== length) length = String(length).length + name.length + value.length + 3
    return `${length} ${name}=${value}\n`
  }
  const end = Buffer.alloc(1024)
  const only = (...blocks: Buffer[]) => scan([...blocks, end]).entries

  test('prefix, old names of directories, negative and base-256 numbers', () => {
    expect(only(block({ name: 'b', prefix: 'a' }))[0]?.name.toString()).toBe('a/b')
    expect(only(block({ name: 'b', prefix: 'a', magic: 'ustar  \0' }))[0]?.name.toString()).toBe('b')
    expect(only(block({ name: 'a/', type: '\0' }))[0]?.type).toBe('5')
    expect(only(block({ mtime: '\xff'.repeat(12) }))[0]?.mtime).toBe('-1.000000000')
    expect(only(block({ mtime: '\xff'.repeat(10) + '\xfe\x00' }))[0]?.mtime).toBe('-512.000000000')
    expect(only(block({ size: '\x80' + '\0'.repeat(11) }))[0]?.size).toBe(0)
    expect(only(block({ size: '   0 \0' }))[0]?.size).toBe(0)
    for (const size of ['\xff'.repeat(12), '\x80' + '\x7f'.repeat(11), '\xbf' + '\xff'.repeat(11), '12x', '-1', '8']) expect(() => only(block({ size }))).toThrow(damaged)
  })

  test('extended records rule the header, an empty one gives it back, a global one holds for all', () => {
    const times = { '1.5': '1.500000000', '-0.5': '-0.500000000', '-0': '0.000000000', '007.1234567891': '7.123456789' }
    for (const [text, mtime] of Object.entries(times)) expect(only(meta('x', record('mtime', text)), block())[0]?.mtime).toBe(mtime)
    expect(only(meta('x', record('path', '\xff\n=')), block())[0]?.name).toEqual(Buffer.from([0xff, 0x0a, 0x3d]))
    const entries = only(meta('g', record('path', 'all') + record('uid', '9')), block(), meta('x', record('path', '')), block(), meta('x', record('uid', '8')), block())
    expect(entries.map(({ name, uid }) => `${name.toString()} ${uid}`)).toEqual(['all 9', 'f 9', 'all 8'])
    expect(entries.map(({ headerStart }) => headerStart)).toEqual([1024, 1536, 3072])
    expect(only(meta('L', 'long\0rest'), meta('K', 'link\0'), block({ type: '2' }))[0]).toMatchObject({ name: Buffer.from('long'), linkName: Buffer.from('link'), headerStart: 0, dataStart: 2560 })
    expect(only(block(), meta('g', record('comment', 'last')))).toHaveLength(1)
  })

  test('an old directory is one by its whole name: engines write a file "a/\\xff" as "a/" with the name beside it', () => {
    const [file, next] = only(meta('x', record('path', 'a/\xff')), block({ name: 'a/', size: number(3, 12) }), padded('abc'), block())
    expect([file?.type, file?.size, next?.name.toString()]).toEqual(['0', 3, 'f'])
    expect(only(meta('x', record('path', 'a/')), block({ name: 'a', type: '\0' }))[0]?.type).toBe('5')
    expect(only(meta('L', 'a/b\0'), block({ name: 'a/', size: number(3, 12) }), padded('abc'))[0]?.type).toBe('0')
  })

  test('a size on what has no data means nothing; unknown types have data', () => {
    expect(only(block({ type: '1', size: number(5, 12) }), block()).map(({ size }) => size)).toEqual([0, 0])
    expect(only(block({ type: 'Q', size: number(5, 12) }), padded('12345'))[0]?.size).toBe(5)
  })

  test('senseless extended headers are damage', () => {
    for (const text of ['5 a=b\n', '6 a=b ', 'x', '0 a=b\n', ' a=b\n', '99 a=b\n', '5 ab\n', '6 a=b\nrest', record('size', '-1'), record('size', '9'.repeat(30)), record('mtime', 'now'), record('uid', '1.5')]) expect(() => only(meta('x', text), block())).toThrow(damaged)
    expect(() => only(meta('x', record('a', 'b')))).toThrow(damaged)
    expect(() => only(block({ type: 'x', size: number(2 ** 20 + 1, 12) }))).toThrow(damaged)
    expect(() => only(...Array.from({ length: 10 }, () => meta('x', record('a', 'b'.repeat(900_000)))), block())).toThrow(damaged)
  })
})

test('random changes end in damage or in entries, never otherwise', () => {
  const next = randomFrom(42)
  for (const options of [['--format=pax', '--sparse', '--xattrs'], ['--format=gnu', '--sparse']]) {
    const tar = gnuTar(...options, '--exclude=large')
    for (let run = 0; run < 400; run++) {
      const changed = Buffer.from(tar)
      for (let i = 0; i <= next() * 8; i++) {
        const at = Math.floor(next() * changed.length)
        const inHeader = next() < 0.7 ? at - (at % 512) + Math.floor(next() * 512) : at
        changed[inHeader] = next() < 0.3 ? 0 : Math.floor(next() * 256)
        if (next() < 0.7) fixChecksum(changed, at - (at % 512))
      }
      const cut = next() < 0.2 ? changed.subarray(0, Math.floor(next() * changed.length)) : changed
      try {
        const scanner = new TarScanner({})
        for (const piece of randomSplit(cut, next)) scanner.scan(piece)
        scanner.end()
      } catch (error) {
        expect(error).toEqual(damaged)
      }
    }
  }
})

function fixChecksum(tar: Buffer, at: number): void {
  const block = tar.subarray(at, at + 512)
  if (block.length < 512 || block.toString('latin1', 257, 262) !== 'ustar') return
  block.write(' '.repeat(8), 148)
  block.write(block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0') + '\0 ', 148)
}
