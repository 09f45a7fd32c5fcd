/** Tars made by hand, so that they can be wrong, and the same bytes everywhere. */
import { crc32 } from 'node:zlib'

export type RawEntry = {
  readonly name: string | Buffer
  readonly data?: Buffer
  /** The typeflag; '0' by default. */
  readonly type?: string
  readonly linkTo?: string
  /** Instead of the length of the data, as it stands in the field. */
  readonly sizeField?: Buffer
}

const block = 512

export function rawTar(entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.map(rawEntry), Buffer.alloc(2 * block)])
}

export function rawEntry({ name, data = Buffer.alloc(0), type = '0', linkTo = '', sizeField }: RawEntry): Buffer {
  const header = Buffer.alloc(block)
  Buffer.from(name).copy(header, 0, 0, 100)
  header.write('0000644\0' + '0000000\0' + '0000000\0', 100)
  if (sizeField === undefined) header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124)
  else sizeField.copy(header, 124)
  header.write('00000000000\0' + ' '.repeat(8) + type, 136)
  header.write(linkTo, 157)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, data, Buffer.alloc(-data.length & (block - 1))])
}

/** GNU's base-256, of a number of any size and sign. */
export function base256(value: bigint): Buffer {
  const field = Buffer.alloc(12)
  for (let at = 11, rest = value; at >= 0; at--, rest >>= 8n) field[at] = Number(rest & 0xffn)
  field[0] = (value < 0n ? 0xff : 0x80) | (field[0] ?? 0)
  return field
}

export function paxHeader(records: Readonly<Record<string, string>>): RawEntry {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`)
    let length = rest + 1
    while (String(length).length + rest !== length) length++
    return `${length} ${key}=${value}\n`
  })
  return { name: 'PaxHeaders/x', type: 'x', data: Buffer.from(lines.join('')) }
}

/** One gzip member that is not compressed: the same bytes by any zlib. */
export function gzipStored(data: Buffer, { crc = crc32(data) } = {}): Buffer {
  const blocks: Buffer[] = []
  for (let at = 0; at === 0 || at < data.length; at += 0xffff) {
    const piece = data.subarray(at, at + 0xffff)
    const head = Buffer.alloc(5)
    head[0] = at + 0xffff >= data.length ? 1 : 0
    head.writeUInt16LE(piece.length, 1)
    head.writeUInt16LE(~piece.length & 0xffff, 3)
    blocks.push(head, piece)
  }
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc, 0)
  trailer.writeUInt32LE(data.length, 4)
  return Buffer.concat([Buffer.from('1f8b08000000000000ff', 'hex'), ...blocks, trailer])
}

/** One zstd frame of raw blocks. `windowLog`: of the window that it asks for. */
export function zstdRaw(data: Buffer, { windowLog = 17 } = {}): Buffer {
  const blocks: Buffer[] = []
  for (let at = 0; at === 0 || at < data.length; at += 0x10000) {
    const piece = data.subarray(at, at + 0x10000)
    const head = Buffer.alloc(3)
    head.writeUIntLE((piece.length << 3) | (at + 0x10000 >= data.length ? 1 : 0), 0, 3)
    blocks.push(head, piece)
  }
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (windowLog - 10) << 3]), ...blocks])
}

/** As zstd:chunked has them. */
export function zstdSkippable(data: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a50, 0)
  head.writeUInt32LE(data.length, 4)
  return Buffer.concat([head, data])
}
