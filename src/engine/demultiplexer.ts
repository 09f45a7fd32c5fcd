import { Readable, Writable } from 'node:stream'
import { DrayError } from '../errors/dray-error.ts'

const headerLength = 8

/** `write` is true when more may follow at once; otherwise `resume` is called when the reader wants more. */
type Output = { readonly readable: Readable; write(piece: Buffer, resume: () => void): boolean }

/**
 * Takes apart the stream that attach and exec send for a process without a terminal: frames of an 8-byte header (kind,
 * three zeros, length in big endian) and their bytes. The bytes go on as they arrive, so a frame is never held whole and
 * nothing is copied; the source waits while the reader of the current frame's stream does. Both streams must be read.
 * They end when the source does, and fail when it fails or ends inside a frame.
 */
export class Demultiplexer extends Writable {
  readonly stdout: Readable
  readonly stderr: Readable
  readonly #outputs: readonly [Output, Output]
  readonly #header = Buffer.alloc(headerLength)
  #headerFilled = 0
  #remaining = 0
  #current: Output | undefined

  constructor() {
    super()
    this.#outputs = [createOutput(this), createOutput(this)]
    this.stdout = this.#outputs[0].readable
    this.stderr = this.#outputs[1].readable
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    let rest = chunk
    const step = (): void => {
      while (rest.length > 0) {
        if (this.#remaining === 0) {
          rest = this.#takeHeader(rest)
          if (this.#headerFilled === headerLength && !this.#openFrame()) {
            callback(new DrayError('refused', 'the engine sent a stream of a process that is not multiplexed as it should be'))
            return
          }
          continue
        }
        const piece = rest.subarray(0, this.#remaining)
        rest = rest.subarray(piece.length)
        this.#remaining -= piece.length
        if (this.#current?.write(piece, step) === false) return
      }
      callback()
    }
    step()
  }

  #takeHeader(rest: Buffer): Buffer {
    const copied = rest.copy(this.#header, this.#headerFilled, 0, headerLength - this.#headerFilled)
    this.#headerFilled += copied
    return rest.subarray(copied)
  }

  #openFrame(): boolean {
    const kind = this.#header[0]
    if (kind === undefined || kind > 2 || this.#header.readUIntBE(1, 3) !== 0) return false
    this.#current = this.#outputs[kind === 2 ? 1 : 0]
    this.#remaining = this.#header.readUInt32BE(4)
    this.#headerFilled = 0
    return true
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#remaining > 0 || this.#headerFilled > 0) {
      callback(new DrayError('engine-unreachable', 'the stream of the process ended in the middle of a frame'))
      return
    }
    for (const { readable } of this.#outputs) readable.push(null)
    callback()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.writableFinished) for (const { readable } of this.#outputs) readable.destroy(error ?? undefined)
    callback(error)
  }
}

/** A reader that goes away lets its bytes fall. */
function createOutput(owner: Writable): Output {
  let waiting: (() => void) | undefined
  const release = (): void => {
    const resume = waiting
    waiting = undefined
    resume?.()
  }
  const readable = new Readable({
    read: release,
    destroy(error, callback) {
      release()
      callback(error)
    },
  })
  // Also keeps a failure from becoming an uncaught exception when only the other stream is read.
  readable.on('error', error => owner.destroy(error))
  return {
    readable,
    write(piece, resume) {
      if (readable.destroyed || readable.push(piece)) return true
      waiting = resume
      return false
    },
  }
}
