import { DrayError } from '../errors/dray-error.ts'

/** The headers of one member: its extended headers with their payload, then its own. Their bytes may be changed in place. */
export type MemberHeaders = { readonly extended: readonly { readonly header: Buffer; readonly payload: Buffer }[]; readonly header: Buffer }

const blockSize = 512
const longestPayload = 64 << 20
const zeroBlock = Buffer.alloc(blockSize)
const paddingOf = (size: number) => (blockSize - (size % blockSize)) % blockSize

/**
 * Passes a tar through as it is, but for the headers: `edit` may change their bytes (checksums are made right again), and
 * drops a member with its data by giving false. Proves the end: a tar without its two zero blocks is an `io-failed` DrayError
 * made by `cut`.
 */
export async function* editMembers(tar: AsyncIterable<Buffer>, edit: (member: MemberHeaders) => boolean, cut: () => DrayError): AsyncGenerator<Buffer> {
  const input = new ByteInput(tar, cut)
  let extended: { header: Buffer; payload: Buffer }[] = []
  for (;;) {
    const header = await input.take(blockSize)
    if (header.equals(zeroBlock)) {
      const second = await input.take(blockSize)
      if (!second.equals(zeroBlock) || extended.length > 0) throw cut()
      yield Buffer.concat([header, second])
      yield* input.rest()
      return
    }
    checkSum(header)
    const size = sizeOf(header)
    if ('xgLK'.includes(String.fromCharCode(header[typeAt] ?? 0))) {
      if (size > longestPayload) throw new DrayError('damaged', `a tar header of ${size} bytes is too long`)
      const payload = await input.take(size + paddingOf(size))
      extended.push({ header, payload: payload.subarray(0, size) })
      continue
    }
    const dataSize = paxSize(extended) ?? size
    const keep = edit({ extended, header })
    if (keep) yield Buffer.concat([...extended.flatMap(({ header: own, payload }) => [sealed(own), payload, Buffer.alloc(paddingOf(payload.length))]), sealed(header)])
    extended = []
    for await (const chunk of input.pass(dataSize + paddingOf(dataSize))) if (keep) yield chunk
  }
}

const typeAt = 156
const checksumAt = 148

function sumOf(header: Buffer): number {
  let sum = 8 * 0x20
  for (let at = 0; at < blockSize; at++) if (at < checksumAt || at >= checksumAt + 8) sum += header[at] ?? 0
  return sum
}

function checkSum(header: Buffer): void {
  const field = header.toString('latin1', checksumAt, checksumAt + 8).replace(/[\0 ]+$/, '').trim()
  if (Number.parseInt(field, 8) !== sumOf(header)) throw new DrayError('damaged', 'a tar header has a wrong checksum')
}

function sealed(header: Buffer): Buffer {
  header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, checksumAt, 'latin1')
  return header
}

/** Octal, or base 256 when the first bit is set. */
function sizeOf(header: Buffer): number {
  const field = header.subarray(124, 136)
  if (((field[0] ?? 0) & 0x80) === 0) return Number.parseInt(field.toString('latin1').replace(/\0.*$/s, '').trim() || '0', 8)
  return Number(field.readBigUInt64BE(4))
}

function paxSize(extended: MemberHeaders['extended']): number | undefined {
  let size: number | undefined
  for (const { header, payload } of extended) {
    if (header[typeAt] !== 0x78) continue
    for (const { key, from, to } of paxRecords(payload)) if (key === 'size') size = Number(payload.toString('latin1', from, to))
  }
  return size
}

/** The records of a PAX header ("LENGTH key=value\n"), with the place of their values. */
export function* paxRecords(payload: Buffer): Generator<{ readonly key: string; readonly from: number; readonly to: number }> {
  for (let at = 0; at < payload.length; ) {
    const space = payload.indexOf(0x20, at)
    const length = Number(payload.toString('latin1', at, space))
    const equals = payload.indexOf(0x3d, space)
    if (space === -1 || equals === -1 || !(length > 0) || at + length > payload.length) throw new DrayError('damaged', 'a tar has a PAX header that cannot be understood')
    yield { key: payload.toString('latin1', space + 1, equals), from: equals + 1, to: at + length - 1 }
    at += length
  }
}

/** Bytes in exact amounts from chunks of any size; the end before an amount is complete is `cut`. */
class ByteInput {
  readonly #chunks: AsyncIterator<Buffer>
  readonly #cut: () => DrayError
  #current: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Buffer>, cut: () => DrayError) {
    this.#chunks = chunks[Symbol.asyncIterator]()
    this.#cut = cut
  }

  async take(amount: number): Promise<Buffer> {
    const taken: Buffer[] = []
    for await (const piece of this.pass(amount)) taken.push(piece)
    return Buffer.concat(taken)
  }

  async *pass(amount: number): AsyncGenerator<Buffer> {
    let wanted = amount
    while (wanted > 0) {
      if (this.#current.length === 0 && !(await this.#refill())) throw this.#cut()
      const piece = this.#current.subarray(0, wanted)
      this.#current = this.#current.subarray(piece.length)
      wanted -= piece.length
      if (piece.length > 0) yield piece
    }
  }

  async *rest(): AsyncGenerator<Buffer> {
    do if (this.#current.length > 0) yield this.#current
    while (await this.#refill())
  }

  async #refill(): Promise<boolean> {
    const next = await this.#chunks.next()
    if (next.done) return false
    this.#current = next.value
    return true
  }
}
