import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readlinkSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { must } from './command.ts'
import { screenAfter } from './screen-after.ts'

export type TerminalOptions = { readonly columns?: number; readonly rows?: number; readonly env: NodeJS.ProcessEnv }

const patienceMs = 30_000

/** Names of keys that have no letter. */
export const keys = { enter: '\r', escape: '\u001b', down: '\u001b[B', up: '\u001b[A', space: ' ', ctrlC: '\u0003', ctrlD: '\u0004' } as const

/** A program on a pseudo-terminal of its own, which Debian's script(1) makes, and somebody who reads before they type. */
export class Terminal implements AsyncDisposable {
  /** How many keys were pressed. */
  pressed = 0
  /** Everything that was written to it. */
  raw = ''
  private seen = 0
  private hasEnded = false
  private size: { readonly columns: number; readonly rows: number }
  private readonly child: ChildProcessWithoutNullStreams
  private readonly closed: Promise<number | null>

  private constructor(child: ChildProcessWithoutNullStreams, size: { readonly columns: number; readonly rows: number }) {
    this.child = child
    this.size = size
    this.closed = once(child, 'close').then(([code]) => {
      this.hasEnded = true
      return code as number | null
    })
    child.stdin.on('error', () => undefined) // the program may have ended
    child.stdout.on('data', (chunk: Buffer) => (this.raw += chunk.toString()))
  }

  static open(command: string, { columns = 80, rows = 24, env }: TerminalOptions): Terminal {
    return new Terminal(spawn('script', ['-qec', `stty cols ${columns} rows ${rows}; exec ${command}`, '/dev/null'], { env: { TERM: 'xterm-256color', SHELL: '/bin/sh', ...env } }), { columns, rows })
  }

  /** What was written since the last key, without colours and movements. */
  get text(): string {
    return stripVTControlCharacters(this.raw.slice(this.seen)).replaceAll('\r', '')
  }

  /** Rejects with what is there when it does not come, or the program ends without it. */
  async shows(what: RegExp | string): Promise<string> {
    const isThere = (): boolean => (typeof what === 'string' ? this.text.includes(what) : what.test(this.text))
    const deadline = AbortSignal.timeout(patienceMs)
    while (!isThere()) {
      if (this.hasEnded || deadline.aborted) throw new Error(`"${String(what)}" did not come. The terminal shows:\n${this.text}`)
      await Promise.race([once(this.child.stdout, 'data', { signal: deadline }), this.closed]).catch(() => undefined)
    }
    return this.text
  }

  /** What stands on it now, as its user sees it: `rows` lines of `columns`, without colours, spaces at the ends and empty lines below. */
  get screen(): string {
    return screenAfter(this.raw, this.size)
  }

  /** As if its window were drawn to another size. */
  async resize({ columns, rows }: { readonly columns: number; readonly rows: number }): Promise<void> {
    const [child = ''] = readFileSync(`/proc/${this.child.pid ?? 0}/task/${this.child.pid ?? 0}/children`, 'utf8').split(' ')
    await must('stty', ['-F', readlinkSync(`/proc/${child}/fd/0`), 'cols', String(columns), 'rows', String(rows)])
    this.size = { columns, rows }
  }

  press(key: string): void {
    this.seen = this.raw.length
    this.pressed++
    this.child.stdin.write(key)
  }

  /** Waits for the question, then answers. */
  async answer(question: RegExp | string, ...typed: readonly string[]): Promise<void> {
    await this.shows(question)
    for (const key of typed) this.press(key)
  }

  /** Resolves when more is written, or the program ends; after a second in any case. */
  async output(): Promise<void> {
    await Promise.race([once(this.child.stdout, 'data', { signal: AbortSignal.timeout(1000) }), this.closed]).catch(() => undefined)
  }

  /** The exit code of the program. */
  async ended(): Promise<number | null> {
    return await this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.stdin.end()
    if (this.child.exitCode === null) this.child.kill('SIGKILL') // script(1) blocks all others; the program gets SIGHUP then
    await this.closed
  }
}
