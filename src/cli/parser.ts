import yargs, { type Argv } from 'yargs'
import { DrayError } from '../errors/dray-error.ts'
import { compressWays } from './choose-link.ts'
import type { Command } from './command.ts'
import { commands } from './commands.ts'
import { describeChoices, hideTypes } from './describe-choices.ts'
import { withGlobalOptions } from './global-options.ts'
import { noCommand, unknownCommand, usage } from './usage-error.ts'
import { readVersion } from './version.ts'
import { optionsOf } from './yargs-options.ts'

export type ParsedLine = { readonly command: Command; readonly args: Record<string, unknown> } | { readonly help: string }

/** Of prose where there is no terminal. */
const plainPageColumns = 110

/** What stands for a lone "-" while yargs parses, which would make an empty text of it. No argument holds a zero byte. */
const dash = '\0-'

/** Understands a command line and runs nothing. Throws `usage`, with what to type instead. */
export async function parseLine(argv: readonly string[]): Promise<ParsedLine> {
  let chosen: ParsedLine | undefined
  let help = ''
  const dashed = withLoneValues(helpAsOption(argv)).map(each => (each === '-' ? dash : each))
  const parser = buildParser(dashed, (command, args) => (chosen = { command, args: withDashes(args) }))
  await parser.parseAsync(dashed, {}, (error, _args, output) => {
    if (error) throw error instanceof DrayError ? error : usage(error.message, argv)
    help = output
  })
  return chosen ?? { help }
}

/** `help COMMAND` is what many type. */
function helpAsOption(argv: readonly string[]): readonly string[] {
  const [first, name, ...rest] = argv
  if (first !== 'help' || name === undefined || name.startsWith('-')) return argv
  if (!commands.some(({ usage: line }) => line.split(' ')[0] === name)) throw unknownCommand(name)
  return [name, ...rest, '--help']
}

/** What an option means that may stand without a value, which yargs does not know: the next word is its value only when it is one. */
const alone: ReadonlyMap<string, { readonly means: string; readonly values: readonly string[] }> = new Map([['--compress', { means: 'always', values: compressWays }]])

function withLoneValues(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  return argv.map((word, at) => {
    const known = end < 0 || at < end ? alone.get(word) : undefined
    return known === undefined || known.values.includes(argv[at + 1] ?? '') ? word : `${word}=${known.means}`
  })
}

function withDashes(args: Record<string, unknown>): Record<string, unknown> {
  const restored = (value: unknown): unknown => (value === dash ? '-' : Array.isArray(value) ? value.map(restored) : value)
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, restored(value)]))
}

function buildParser(argv: readonly string[], choose: (command: Command, args: Record<string, unknown>) => void): Argv {
  let parser = withGlobalOptions(yargs([...argv]))
    .scriptName('dray')
    .locale('en')
    .usage('dray <command>: back up, restore and migrate Docker containers, whole')
    .exitProcess(false)
    .strict()
    .strictCommands()
    .parserConfiguration({ 'duplicate-arguments-array': true, 'camel-case-expansion': true, 'boolean-negation': false, 'populate--': true, 'parse-positional-numbers': false })
    .version('version', 'show the version', readVersion())
    .help('help', 'show help')
    .alias('help', 'h')
    .demandCommand(1, noCommand)
    .epilogue('Exit codes: 0 done, 3 done but incomplete, 2 usage, 10 engine unreachable, 11 not found, 12 conflict, … (docs/exit-codes.md)')
    .wrap(Math.min(110, process.stdout.columns || plainPageColumns))
    .fail((message, error: Error | undefined) => {
      throw error instanceof DrayError ? error : usage(message || error?.message || 'wrong arguments', argv, Object.keys(optionsOf(parser).key))
    })
  renderHelpOnlyWhenAsked(parser)
  hideTypes(parser)
  for (const command of commands) {
    parser = parser.command({
      command: command.usage,
      describe: command.summary,
      builder: (sub: Argv) => {
        const common = new Set(Object.keys(optionsOf(sub).key))
        const own = command.options(sub)
        describeChoices(own, common)
        return command.examples.reduce((each, [line, text]) => each.example(`# ${text}\n${line}`, ''), own).check(args => checkValues(args, sub))
      },
      handler: args => choose(command, args as Record<string, unknown>),
    })
  }
  return parser
}

/** yargs (18) lays out the help of every command that it parses, whether anybody asked or not: a fifth of dray's start. */
function renderHelpOnlyWhenAsked(parser: Argv): void {
  const usage = (parser as unknown as { getInternalMethods: () => { getUsageInstance: () => { cacheHelpMessage: () => void } } }).getInternalMethods().getUsageInstance()
  usage.cacheHelpMessage = () => undefined
}

/**
 * What yargs lets pass and nobody can mean: an option without its value (`-r "$UNSET"` would be the default repository), a
 * number that is none, and a second value for an option that takes one.
 */
function checkValues(args: Record<string, unknown>, sub: Argv): true {
  const { array, string, number, alias } = optionsOf(sub)
  const shortOf = (name: string): readonly string[] => alias[name] ?? []
  const isMain = (name: string): boolean => name.length > 1 && !/[A-Z]/.test(name) && name !== '$0' && name !== '_'
  for (const [name, value] of Object.entries(args).filter(([key]) => isMain(key))) {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    const takesOne = !array.includes(name) && !shortOf(name).some(each => array.includes(each))
    if (values.includes('')) throw new Error(`"${name}" needs a value`)
    if (number.includes(name) && values.some(Number.isNaN)) throw new Error(`"${name}" needs a number`)
    if (takesOne && values.length > 1 && (string.includes(name) || number.includes(name))) throw new Error(`"${name}" was given ${values.length} times: ${values.map(each => `"${String(each)}"`).join(', ')}`)
  }
  return true
}
