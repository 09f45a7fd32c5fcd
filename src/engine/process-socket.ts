import { Duplex } from 'node:stream'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'

const mostStderr = 8 * 1024

/**
 * A connection over the stdin and stdout of a process. Ending the writable side closes stdin alone. The readable side ends
 * when the process ended well; otherwise the stream fails with what `explain` makes of its stderr.
 */
export class ProcessSocket extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams

  constructor(child: ChildProcessWithoutNullStreams, explain: (stderr: string, exitCode: number | null) => Error) {
    super({ allowHalfOpen: true })
    this.#child = child
    let said = ''
    let spawnError: Error | undefined
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause()
    })
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-mostStderr)))
    // The exit says why, if it says anything; see 'close'.
    child.stdin.on('error', () => undefined)
    child.once('error', error => (spawnError = error))
    child.once('close', exitCode => {
      if (exitCode === 0) this.push(null)
      else this.destroy(spawnError ?? explain(said, exitCode))
    })
  }

  override _read(): void {
    this.#child.stdout.resume()
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#child.stdin.write(chunk, encoding, error => {
      // A process that has ended explains itself better than the broken pipe does.
      if (error && this.#child.exitCode === null && this.#child.signalCode === null) this.#child.once('close', () => callback(error))
      else callback(error)
    })
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#child.stdin.end(() => callback())
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#child.stdin.destroy()
    this.#child.stdout.destroy()
    this.#child.stderr.destroy()
    this.#child.kill()
    callback(error)
  }

  // What node:http asks of a socket.
  setKeepAlive(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setTimeout(): this {
    return this
  }

  ref(): this {
    this.#child.ref()
    return this
  }

  unref(): this {
    this.#child.unref()
    return this
  }
}
