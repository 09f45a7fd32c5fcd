import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'

const bufferedCharacters = 64 * 1024

/** Whoever read the output has ended, as `head` does. A listing has said enough then; data (`isData`) did not arrive. */
export class OutputClosed extends DrayError {
  readonly isData: boolean

  constructor(isData: boolean, cause: unknown) {
    super('io-failed', 'whoever read the output has ended before all of it was written', { cause })
    this.isData = isData
  }
}

/** What a command says on stdout before its result: any amount of it, as fast as it is read. */
export class StandardOutput {
  private readonly stream: NodeJS.WriteStream
  private lines = ''

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.stream = stream
  }

  /** Not at once: flush() writes what is left. */
  async line(text: string): Promise<void> {
    this.lines += `${text}\n`
    if (this.lines.length >= bufferedCharacters) await this.flush()
  }

  async flush(): Promise<void> {
    const text = this.lines
    this.lines = ''
    if (text !== '') await this.write(text, false)
  }

  async data(bytes: Buffer): Promise<void> {
    await this.write(bytes, true)
  }

  private async write(bytes: Buffer | string, isData: boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.stream.write(bytes, error => {
        if (error) reject(errnoOf(error) === 'EPIPE' ? new OutputClosed(isData, error) : fromSystemError(error, 'cannot write to', 'stdout'))
        else resolve()
      })
    })
  }
}
