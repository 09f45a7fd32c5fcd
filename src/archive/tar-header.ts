import { DrayError } from '../errors/dray-error.ts'

export const blockBytes = 512
const ustarMagic = Buffer.from('ustar\0')
const starMagic = Buffer.from('tar\0')

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

const checksum = { at: 148, length: 8 } as const
const oldSparseIsExtendedAt = 482
export const oldSparseExtensionIsExtendedAt = 504

/** Reads the header block that begins at `position` of its archive. Throws `damaged` when its checksum does not hold. Keeps nothing of `block` but a copy. */
export function parseTarHeader(block: Buffer, position: number): TarHeader {
  const own = Buffer.from(block)
  verifyChecksum(own, position)
  const name = withPrefix(own, text(own, 0, 100))
  return { position, type: typeOf(own), name, linkName: text(own, 157, 100), block: own }
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
  const value = octalIn(block, at, length)
  if (value === undefined) throw badNumber(name, position)
  return value
}

export function hasSparseExtension({ type, block }: TarHeader): boolean {
  return type === 'S' && block[oldSparseIsExtendedAt] === 1
}

export function badNumber(field: string, position: number): DrayError {
  return new DrayError('damaged', `the tar header at byte ${position} has no valid ${field}`)
}

const space = 0x20

/** Digits between spaces, up to the first NUL; a blank field is 0. */
function octalIn(block: Buffer, start: number, length: number): number | undefined {
  let at = start
  const end = start + length
  while (at < end && block[at] === space) at++
  let value = 0
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - 0x30
    if (digit < 0 || digit > 7) break
    value = value * 8 + digit
  }
  while (at < end && block[at] === space) at++
  return at === end || block[at] === 0 ? value : undefined
}

/** Whether bytes begin with a header whose checksum holds. */
export function isTarHeader(bytes: Buffer): boolean {
  return bytes.length >= blockBytes && checksumHolds(bytes)
}

/** The sum of all bytes with the checksum's own taken as spaces. */
function checksumOf(block: Buffer, valueOf: (byte: number) => number): number {
  let sum = 8 * space
  for (let at = 0; at < 148; at++) sum += valueOf(block[at] ?? 0)
  for (let at = 156; at < blockBytes; at++) sum += valueOf(block[at] ?? 0)
  return sum
}

/** Some old writers summed signed characters. */
function verifyChecksum(block: Buffer, position: number): void {
  if (!checksumHolds(block)) throw new DrayError('damaged', `no tar header begins at byte ${position}: its checksum does not hold`)
}

function checksumHolds(block: Buffer): boolean {
  const stored = octalIn(block, 148, 8)
  return stored === checksumOf(block, byte => byte) || stored === checksumOf(block, byte => (byte << 24) >> 24)
}

function typeOf(block: Buffer): string {
  const type = String.fromCharCode(block[156] ?? 0)
  return type === '\0' ? '0' : type
}

function withPrefix(block: Buffer, name: Buffer): Buffer {
  if (block[345] === 0 || !ustarMagic.equals(block.subarray(257, 263))) return name
  const isStar = starMagic.equals(block.subarray(508, 512))
  return Buffer.concat([text(block, 345, isStar ? 131 : 155), Buffer.from('/'), name])
}

/** A part of `block` itself. */
function text(block: Buffer, start: number, length: number): Buffer {
  let end = start
  while (end < start + length && block[end] !== 0) end++
  return block.subarray(start, end)
}

/** Puts the checksum of what it holds into a block, which is returned. */
export function sealTarHeader(block: Buffer): Buffer {
  block.fill(' ', checksum.at, checksum.at + checksum.length)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, checksum.at)
  return block
}
