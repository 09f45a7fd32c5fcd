import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'

/** A terminal as far as ora uses one: what stands on it in the end, and the widest line that ever did. */
export class Screen extends Writable {
  readonly isTTY = true
  readonly rows = 40
  readonly columns: number
  widest = 0
  private readonly lines: string[] = ['']
  private row = 0
  private column = 0

  constructor(columns: number) {
    super({ decodeStrings: false })
    this.columns = columns
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    for (const char of stripVTControlCharacters(chunk)) {
      if (char === '\n') {
        this.row++
        this.column = 0
        this.lines[this.row] ??= ''
        continue
      }
      const line = (this.lines[this.row] ?? '').padEnd(this.column)
      this.lines[this.row] = line.slice(0, this.column) + char + line.slice(this.column + 1)
      this.widest = Math.max(this.widest, ++this.column)
    }
    done()
  }

  cursorTo(column: number): void {
    this.column = column
  }

  moveCursor(_columns: number, rows: number): void {
    this.row += rows
  }

  clearLine(): void {
    this.lines[this.row] = (this.lines[this.row] ?? '').slice(0, this.column)
  }

  get text(): string {
    return this.lines.map(line => line.trimEnd()).join('\n').trimEnd()
  }
}

/** No terminal: a pipe or a file. */
export class Page extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}
