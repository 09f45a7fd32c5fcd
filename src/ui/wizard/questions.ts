/** The kinds of questions a wizard asks, on stderr. Each can be answered with Escape, which is `back`; Ctrl-C and Ctrl-D throw `interrupted`. */
import inquirer from 'inquirer'
import { DrayError } from '../../errors/dray-error.ts'
import { printable } from '../format.ts'
import { forTerminal, isUtf8Locale } from '../plain-text.ts'
import { wrapCommand, wrapText, wrapTitled } from '../wrap.ts'

export const back = Symbol('back')
export type Back = typeof back

/** `short` stands for it once it is chosen: one line at 80 columns, with the question. */
export type Choice<Value> = { readonly name: string; readonly value: Value; readonly description?: string; readonly short?: string }
export type Heading = { readonly heading: string }

/** Leaves room on a terminal of 24 lines for the question, the keys and what was answered before. */
const linesShown = 12

type Context = { readonly output: NodeJS.WritableStream; readonly signal: AbortSignal; clearPromptOnDone: boolean }
type Prompt = (config: object, context: Context) => Promise<unknown>
type Key = { readonly name?: string; readonly ctrl?: boolean } | undefined

const prompts = inquirer.prompt.prompts as unknown as Readonly<Record<'select' | 'search' | 'input' | 'confirm' | 'checkbox', Prompt>>

/** One of several, the first unless another is the default. */
export async function choose<Value>(signal: AbortSignal, message: string, choices: readonly (Choice<Value> | Heading)[], fallback?: Value): Promise<Value | Back> {
  const config = { message: asked(message), choices: choices.map(choice => shown(choice, message)), pageSize: linesShown, loop: false, theme: theme(), ...(fallback === undefined ? {} : { default: fallback }) }
  return (await ask('select', config, signal)) as Value | Back
}

/** One of many, found by typing. */
export async function search<Value>(signal: AbortSignal, message: string, find: (typed: string) => readonly (Choice<Value> | Heading)[]): Promise<Value | Back> {
  return (await ask('search', { message: asked(message), source: (typed: string | undefined) => find(typed ?? '').map(choice => shown(choice, message)), pageSize: linesShown, theme: theme() }, signal)) as Value | Back
}

/** Any of several. */
export async function tick<Value>(signal: AbortSignal, message: string, choices: readonly Choice<Value>[]): Promise<readonly Value[] | Back> {
  return (await ask('checkbox', { message: asked(message), choices: choices.map(choice => shown(choice, message, 3)), pageSize: linesShown, loop: false, required: true, theme: theme() }, signal)) as readonly Value[] | Back
}

/** Words. `problemWith` says what is wrong with them; undefined for nothing. */
export async function type(signal: AbortSignal, message: string, { fallback, problemWith }: { readonly fallback?: string; readonly problemWith: (text: string) => string | undefined | Promise<string | undefined> }): Promise<string | Back> {
  const config = { message: asked(message, fallback), validate: async (text: string) => (await problemWith(text.trim())) ?? true, theme: theme(), ...(fallback === undefined ? {} : { default: fallback }) }
  const answer = (await ask('input', config, signal)) as string | Back
  return answer === back ? back : answer.trim()
}

export async function confirm(signal: AbortSignal, message: string, fallback: boolean): Promise<boolean | Back> {
  return (await ask('confirm', { message: asked(message), default: fallback, theme: theme() }, signal)) as boolean | Back
}

/** Lines between the questions. */
export function tell(lines: readonly string[]): void {
  process.stderr.write(lines.map(line => `${wrapTitled(shownText(line), columns())}\n`).join(''))
}

/** Nobody is to wonder for longer whether it hangs. */
const patienceMs = 1500

/** Says what is waited for if it takes a while, for as long as it does. */
export async function tellWhenLate<Result>(text: string, work: Promise<Result>): Promise<Result> {
  let after = ''
  const late = setTimeout(() => {
    after = eraseLine
    process.stderr.write(shownText(text).slice(0, columns() - 1))
  }, patienceMs)
  try {
    return await work
  } finally {
    clearTimeout(late)
    process.stderr.write(after)
  }
}

const eraseLine = '\r\u001b[K'

/** A command line between the questions, its words quoted for a shell: it can be copied as it stands. */
export function tellCommand(words: readonly string[]): void {
  process.stderr.write(`${wrapCommand(words.map(shownText), columns(), '  ')}\n`)
}

function shownText(text: string): string {
  return forTerminal(printable(text), process.stderr)
}

function columns(): number {
  return process.stderr.columns || 80
}

const withKeys = { style: { keysHelpTip: (keys: readonly (readonly [string, string])[]) => wrapText([...keys, ['esc', 'back'], ['ctrl-c', 'leave']].map(([key = '', action]) => `${isUtf8Locale(process.env) ? key : (keysInAscii[key] ?? key)}${within}${action}`).join(forTerminal(' · ', process.stderr)), columns()).replaceAll(within, ' ') } }

const keysInAscii: Readonly<Record<string, string>> = { '↑↓': 'up/down', '⏎': 'enter' }

/** The marks where the terminal cannot be relied on to show others. */
const asciiMarks = { prefix: { idle: '?', done: '+' }, icon: { cursor: '>', checked: '[x]', unchecked: '[ ]' } }

function theme(): object {
  return isUtf8Locale(process.env) ? withKeys : { ...asciiMarks, ...withKeys }
}

/** A space at which no line is broken. */
const within = '\u00a0'

/** Of "? " and "✔ ", and of "❯ " before a choice. */
const markColumns = 2
const indent = '  '

/** A question as it stands after its mark. A proposal that does not fit behind it stands below. */
function asked(message: string, proposal = ''): string {
  const text = wrapText(shownText(message), columns(), { column: markColumns, indent })
  return proposal === '' || endOf(text) + ` (${proposal})  `.length < columns() ? text : `${text}\n `
}

/** The column after the end of a question. */
function endOf(text: string): number {
  return (text.includes('\n') ? 0 : markColumns) + text.length - (text.lastIndexOf('\n') + 1)
}

function shown<Value>(choice: Choice<Value> | Heading, message: string, column = markColumns): object {
  if ('heading' in choice) return new inquirer.Separator(shownText(choice.heading))
  const { name, value, description, short = name } = choice
  return {
    name: wrapText(shownText(name), columns(), { column, indent: ' '.repeat(column + 2) }),
    short: wrapText(shownText(short), columns(), { column: endOf(asked(message)) + 1, indent }),
    value,
    ...(description === undefined ? {} : { description: wrapText(shownText(description), columns()) }),
  }
}

async function ask(kind: keyof typeof prompts, config: object, signal: AbortSignal): Promise<unknown> {
  const leaving = new AbortController()
  const context: Context = { output: process.stderr, signal: AbortSignal.any([signal, leaving.signal]), clearPromptOnDone: false }
  const onKey = (_text: string | undefined, key: Key): void => {
    if (key?.name === 'escape') {
      context.clearPromptOnDone = true
      leaving.abort(back)
    } else if (key?.ctrl === true && key.name === 'd') {
      leaving.abort()
    }
  }
  const onEnd = (): void => leaving.abort()
  process.stdin.on('keypress', onKey)
  process.stdin.once('end', onEnd)
  try {
    return await prompts[kind](config, context)
  } catch (thrown) {
    signal.throwIfAborted()
    if (leaving.signal.aborted && leaving.signal.reason === back) return back
    if (thrown instanceof Error && ['AbortPromptError', 'ExitPromptError'].includes(thrown.name)) throw new DrayError('interrupted', 'nothing was changed')
    throw thrown
  } finally {
    process.stdin.off('keypress', onKey)
    process.stdin.off('end', onEnd)
  }
}
