import { blockBytes, sealTarHeader } from './tar-header.ts'

/** What a header says of an entry. `type` is the typeflag. */
export type HeaderFacts = {
  readonly name: Buffer
  readonly type: '0' | '1' | '2' | '5' | '6'
  /** Bytes of data that follow. */
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** "seconds.nanoseconds". */
  readonly mtime: string
  readonly linkName?: Buffer
}

const shortName = './drayage'

/** A PAX header, in which every name and number has room, and the entry's own block. */
export function makeTarHeader({ name, type, size, mode, uid, gid, mtime, linkName }: HeaderFacts): Buffer {
  const records = Buffer.concat([
    record('path', name),
    ...(linkName === undefined ? [] : [record('linkpath', linkName)]),
    record('size', size),
    record('uid', uid),
    record('gid', gid),
    record('mtime', mtime),
  ])
  const padding = Buffer.alloc(-records.length & (blockBytes - 1))
  return Buffer.concat([block('x', records.length, 0o644), records, padding, block(type, 0, mode)])
}

/** `<length of the record> <key>=<value>\n`, the digits of the length counted as well. */
function record(key: string, value: Buffer | string | number): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.isBuffer(value) ? value : Buffer.from(String(value)), Buffer.from('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function block(type: string, size: number, mode: number): Buffer {
  const bytes = Buffer.alloc(blockBytes)
  bytes.write(shortName, 0)
  bytes.write(`${octal(mode, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0${octal(size, 11)}\0${octal(0, 11)}\0`, 100)
  bytes.write(type, 156)
  bytes.write('ustar\x0000', 257)
  return sealTarHeader(bytes)
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
