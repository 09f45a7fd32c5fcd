import { Transform, type TransformCallback } from 'node:stream'
import { gzipMember } from './codec.ts'

export type GzipMembersOptions = {
  /** Plain bytes of each member. */
  readonly memberBytes?: number
  readonly level?: number
  /** Members that are being compressed at a time; so much memory, twice, is used at most. */
  readonly inFlight?: number
}

/**
 * Compresses a stream into concatenated independent gzip members, several at a time on the thread pool. Equal input gives
 * equal members, however it is written. An empty stream becomes one empty member.
 */
export function gzipMembers({ memberBytes = 1024 * 1024, level = 6, inFlight = 4 }: GzipMembersOptions = {}): Transform {
  return new GzipMembers(memberBytes, level, inFlight)
}

class GzipMembers extends Transform {
  readonly #memberBytes: number
  readonly #level: number
  readonly #inFlight: number
  #pieces: Buffer[] = []
  #pendingBytes = 0
  #made = 0
  /** In order of the input. */
  readonly #members: Promise<Buffer>[] = []

  constructor(memberBytes: number, level: number, inFlight: number) {
    super()
    this.#memberBytes = memberBytes
    this.#level = level
    this.#inFlight = inFlight
  }

  override _transform(bytes: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#take(bytes).then(() => done(), done)
  }

  override _flush(done: TransformCallback): void {
    if (this.#pendingBytes > 0 || this.#made === 0) this.#begin()
    this.#passAllBut(0).then(() => done(), done)
  }

  async #take(bytes: Buffer): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      const piece = rest.subarray(0, this.#memberBytes - this.#pendingBytes)
      this.#pieces.push(piece)
      this.#pendingBytes += piece.length
      rest = rest.subarray(piece.length)
      if (this.#pendingBytes === this.#memberBytes) this.#begin()
      await this.#passAllBut(this.#inFlight - 1)
    }
  }

  #begin(): void {
    const member = gzipMember(Buffer.concat(this.#pieces), this.#level)
    // it is awaited in its turn
    member.catch(() => undefined)
    this.#members.push(member)
    this.#made++
    this.#pieces = []
    this.#pendingBytes = 0
  }

  async #passAllBut(count: number): Promise<void> {
    while (this.#members.length > count) this.push(await this.#members.shift())
  }
}
