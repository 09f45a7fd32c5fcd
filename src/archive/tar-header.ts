import { DrayError } from '../errors/dray-error.ts'

export const blockBytes = 512

/** What the fixed header of an entry says, with the numbers still in their fields: an extended header may replace them. */
export type TarHeader = {
  readonly position: number
  readonly type: string
  readonly name: Buffer
  readonly linkName: Buffer
  readonly block: Buffer
}

type Field = { readonly name: string; readonly at: number; readonly length: number }

export const fields = {
  mode: { name: 'mode', at: 100, length: 8 },
  uid: { name: 'owner', at: 108, length: 8 },
  gid: { name: 'group', at: 116, length: 8 },
  size: { name: 'size', at: 124, length: 12 },
  mtime: { name: 'time', at: 136, length: 12 },
  devMajor: { name: 'device', at: 329, length: 8 },
  devMinor: { name: 'device', at: 337, length: 8 },
  oldSparseRealSize: { name: 'real size', at: 483, length: 12 },
} as const satisfies Record<string, Field>

const oldSparseIsExtendedAt = 482
export const oldSparseExtensionIsExtendedAt = 504

/** Reads the header block that begins at `position` of its archive. Throws `damaged` when its checksum does not hold. Keeps nothing of `block` but a copy. */
export function parseTarHeader(block: Buffer, position: number): TarHeader {
  const own = Buffer.from(block)
  verifyChecksum(own, position)
  const ownName = text(own, 0, 100)
  const prefix = prefixOf(own)
  const name = prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), ownName]) : ownName
  return { position, type: typeOf(own, name), name, linkName: text(own, 157, 100), block: own }
}

/** Octal digits, or big-endian two's complement when the first bit is set (GNU's base-256). Throws `damaged` for anything else. */
export function numberIn({ block, position }: TarHeader, { name, at, length }: Field): number {
  const first = block[at] ?? 0
  if (first & 0x80) {
    let value = BigInt.asIntN(7, BigInt(first & 0x7f))
    for (let i = at + 1; i < at + length; i++) value = (value << 8n) | BigInt(block[i] ?? 0)
    if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) throw badNumber(name, position)
    return Number(value)
  }
  const digits = block.toString('latin1', at, at + length).replace(/\0.*$/s, '').trim()
  if (!/^[0-7]*$/.test(digits)) throw badNumber(name, position)
  return digits === '' ? 0 : parseInt(digits, 8)
}

export function hasSparseExtension({ type, block }: TarHeader): boolean {
  return type === 'S' && block[oldSparseIsExtendedAt] === 1
}

export function badNumber(field: string, position: number): DrayError {
  return new DrayError('damaged', `the tar header at byte ${position} has no valid ${field}`)
}

function verifyChecksum(block: Buffer, position: number): void {
  const stored = block.toString('latin1', 148, 156).replace(/\0.*$/s, '').trim()
  let unsigned = 8 * 32
  let signed = unsigned
  for (let at = 0; at < blockBytes; at++) {
    if (at === 148) at = 156
    const byte = block[at] ?? 0
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  const sum = parseInt(stored, 8)
  if (!/^[0-7]+$/.test(stored) || (sum !== unsigned && sum !== signed)) throw new DrayError('damaged', `no tar header begins at byte ${position}: its checksum does not hold`)
}

function typeOf(block: Buffer, name: Buffer): string {
  const type = String.fromCharCode(block[156] ?? 0)
  if (type !== '\0' && type !== '0') return type
  return name.at(-1) === 0x2f ? '5' : '0'
}

function prefixOf(block: Buffer): Buffer {
  if (block.toString('latin1', 257, 263) !== 'ustar\0') return Buffer.alloc(0)
  const isStar = block.toString('latin1', 508, 512) === 'tar\0'
  return text(block, 345, isStar ? 131 : 155)
}

function text(block: Buffer, at: number, length: number): Buffer {
  const end = block.subarray(at, at + length).indexOf(0)
  return Buffer.from(block.subarray(at, end < 0 ? at + length : at + end))
}
