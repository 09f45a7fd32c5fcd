import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { DrayError } from '../errors/dray-error.ts'
import type { Access } from './authorization.ts'
import type { RegistryRepository } from './registry-repository.ts'
import { storingMs } from './storing-time.ts'

/** What is sent at once: proxies keep requests in memory, and end them after a time. */
export const pieceBytes = 4 * 1024 * 1024

/** The session is lost: the blob has to be sent from its beginning, in another one. */
export class UploadLost extends Error {}

const mostTries = 6

/** One upload: pieces in their order, then the digest. Each piece is sent again until the registry has it. */
export class BlobUpload {
  readonly #repository: RegistryRepository
  readonly #access: readonly Access[]
  #location: string
  #offset = 0

  constructor(repository: RegistryRepository, started: IncomingMessage, access: readonly Access[]) {
    this.#repository = repository
    this.#access = access
    this.#location = locationOf(started)
  }

  /** Appends a piece of at most `pieceBytes`. Throws UploadLost. */
  async append(piece: Buffer): Promise<void> {
    await this.#send(piece, rest => this.#request('PATCH', rest, this.#offset + piece.length, this.#location))
    this.#offset += piece.length
  }

  /** Ends it with the last piece, which may be empty. The registry compares the digest: `damaged` when it is not that of the bytes. Throws UploadLost. */
  async finish(digest: string, last: Buffer): Promise<void> {
    try {
      await this.#send(last, rest => this.#request('PUT', rest, this.#offset + last.length, `${this.#location}${this.#location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`))
    } catch (thrown) {
      if (thrown instanceof UploadLost && (await this.#repository.headBlob(digest)) !== undefined) return
      throw thrown
    }
  }

  /** Gives it up. What fails here is of no consequence: registries remove old uploads. */
  async cancel(): Promise<void> {
    await this.#repository.registry.headOf(this.#location, { method: 'DELETE', doing: 'ending an upload', access: this.#access, accepts: [404, 405, 400] }).catch(() => undefined)
  }

  async #send(piece: Buffer, send: (rest: Buffer) => Promise<IncomingMessage>): Promise<void> {
    let rest = piece
    for (let tried = 1; ; tried++) {
      try {
        const answer = await send(rest)
        this.#location = answer.statusCode === 201 ? this.#location : locationOf(answer)
        return
      } catch (thrown) {
        this.#repository.signal.throwIfAborted()
        if (!(thrown instanceof DrayError)) throw thrown
        if (thrown.reason === 'DIGEST_INVALID') throw new DrayError('damaged', thrown.message, { cause: thrown })
        if (isLost(thrown)) throw new UploadLost(thrown.message, { cause: thrown })
        if (thrown.code !== 'io-failed' || tried >= mostTries) throw thrown
        await delay(100 * 2 ** tried, undefined, { signal: this.#repository.signal })
        rest = piece.subarray((await this.#received()) - this.#offset)
      }
    }
  }

  /** How much the registry has. */
  async #received(): Promise<number> {
    try {
      const answer = await this.#repository.registry.headOf(this.#location, { method: 'GET', doing: 'asking how far an upload came', access: this.#access, signal: this.#repository.signal })
      const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(answer.headers.range ?? '') ?? []
      this.#location = answer.headers.location === undefined ? this.#location : locationOf(answer)
      // 0-0 is nothing, or one byte: pieces are longer
      const received = last === undefined || last === '0' ? 0 : Number(last) + 1
      if (received < this.#offset) throw new UploadLost('the registry has less than it had')
      return received
    } catch (thrown) {
      if (thrown instanceof DrayError && isLost(thrown)) throw new UploadLost(thrown.message, { cause: thrown })
      throw thrown
    }
  }

  /** `body` ends at `end` of the blob. */
  #request(method: 'PATCH' | 'PUT', body: Buffer, end: number, location: string): Promise<IncomingMessage> {
    const range = body.length === 0 ? {} : { 'Content-Range': `${end - body.length}-${end - 1}` }
    return this.#repository.registry.headOf(location, { method, body, headers: { 'Content-Type': 'application/octet-stream', ...range }, silenceMs: storingMs, doing: `uploading to "${this.#repository.path}"`, access: this.#access, repeats: false, signal: this.#repository.signal })
  }
}

/** Distribution 2.8 gives an upload up that a cut connection has left between two pieces: 404 or 400, BLOB_UPLOAD_INVALID or _UNKNOWN; 416 by the specification. */
function isLost({ code, reason }: DrayError): boolean {
  return code === 'not-found' || ['BLOB_UPLOAD_INVALID', 'BLOB_UPLOAD_UNKNOWN', 'RANGE_INVALID', 'SIZE_INVALID'].includes(reason ?? '')
}

/** Relative to the registry, or whole. */
function locationOf({ headers }: IncomingMessage): string {
  if (headers.location === undefined) throw new DrayError('refused', 'the registry did not say where to upload to')
  return headers.location
}
