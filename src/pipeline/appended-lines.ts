import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { fromSystemError } from '../errors/system-error.ts'

/** A file of JSON lines that grows: each is on the disk, whole, or is taken back. Those of several writers do not mix. */
export class AppendedLines {
  readonly path: string
  private readonly file: FileHandle
  private length: number
  /** Bytes of a failed line may lie behind `length`. */
  private torn = false
  private lastAppend: Promise<unknown> = Promise.resolve()

  private constructor(file: FileHandle, path: string, length: number) {
    this.file = file
    this.path = path
    this.length = length
  }

  static async open(path: string): Promise<AppendedLines> {
    // Without O_CREAT: a file that somebody removed meanwhile must not come back without its first line.
    const file = await open(path, constants.O_WRONLY | constants.O_APPEND)
    return new AppendedLines(file, path, (await file.stat()).size)
  }

  async truncate(length: number): Promise<void> {
    this.length = length
    await this.file.truncate(length)
  }

  append(line: object): Promise<void> {
    const appended = this.lastAppend.then(() => this.appendNow(line))
    this.lastAppend = appended.catch(() => undefined)
    return appended
  }

  async close(): Promise<void> {
    await this.lastAppend
    await this.file.close()
  }

  private async appendNow(line: object): Promise<void> {
    // After a line that could not be taken back, this one begins on a line of its own.
    const bytes = Buffer.from(`${this.torn ? '\n' : ''}${JSON.stringify(line)}\n`)
    try {
      await this.file.appendFile(bytes)
      await this.file.datasync()
      this.length += bytes.length
      this.torn = false
    } catch (error) {
      this.torn = await this.file.truncate(this.length).then(() => this.torn, () => true)
      throw fromSystemError(error, 'write the journal', this.path)
    }
  }
}
