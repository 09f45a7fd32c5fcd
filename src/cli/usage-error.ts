import { DrayError } from '../errors/dray-error.ts'
import { didYouMean, similarName } from '../errors/similar-name.ts'
import type { Command } from './command.ts'
import { commands } from './commands.ts'

/** yargs' words as ours. `options` are the names that could have been meant. */
export function usage(words: string, argv: readonly string[], options: readonly string[] = []): DrayError {
  const dashedOptions = options.map(name => (name.length > 1 ? `--${name}` : `-${name}`))
  if (words === noCommand) return withoutCommand(argv, dashedOptions)
  const typed = /^Unknown commands?: ([^,]+)/.exec(words)?.[1]
  const named = commands.find(command => argv.includes(nameOf(command)))
  if (typed !== undefined && (named === undefined || argv.indexOf(typed) < argv.indexOf(nameOf(named)))) return unknownCommand(typed, dashedOptions)
  const hints = named === undefined ? [allCommands] : [`usage: dray ${named.usage}`, `dray ${nameOf(named)} --help`]
  const meant = argv.filter(word => word.startsWith('--')).map(word => word.replace(/=.*/s, '')).filter(word => words.includes(word.slice(2)) && !dashedOptions.includes(word))
  return new DrayError('usage', rephrase(words, argv, named !== undefined), { hints: [...meant.flatMap(word => didYouMean(word, dashedOptions)), ...hints] })
}

export const noCommand = 'name a command'
const allCommands = 'all commands: dray --help'

/** Options alone: one that is unknown is what is wrong. */
function withoutCommand(argv: readonly string[], options: readonly string[]): DrayError {
  const unknown = argv.filter(word => /^-./.test(word) && word !== '--').map(word => word.replace(/=.*/s, '')).find(word => !options.includes(word))
  if (unknown !== undefined) return new DrayError('usage', `unknown option "${unknown}"`, { hints: [...didYouMean(unknown, options.filter(option => option.startsWith('--'))), allCommands] })
  return new DrayError('usage', noCommand, { hints: ['back containers up: dray backup NAME…', 'bring something back, step by step: dray restore', allCommands] })
}

export function unknownCommand(typed: string, options: readonly string[] = []): DrayError {
  const similar = similarName(typed, commands.map(nameOf))
  if (similar !== undefined) return new DrayError('usage', `unknown command "${typed}"`, { hints: [`did you mean "${similar}"?`, `dray ${similar} --help`] })
  const option = options.find(each => each === `--${typed}`)
  return new DrayError('usage', `unknown command "${typed}"`, { hints: [...(option === undefined ? [] : [`did you mean "${option}"?`]), allCommands] })
}

function rephrase(words: string, argv: readonly string[], isInCommand: boolean): string {
  const unknown = /^Unknown (?:argument|command)s?: (.+)$/.exec(words)?.[1]
  if (unknown !== undefined) {
    // yargs names an option with dashes twice, once in camel case.
    const names = unknown.split(', ')
    const kept = names.filter(name => !names.some(other => other !== name && other.includes('-') && toCamelCase(other) === name))
    const typed = kept.map(name => argv.find(word => word.startsWith('-') && word.replace(/^--?/, '').replace(/=.*/s, '') === name)?.replace(/=.*/s, '') ?? name)
    return `unknown ${typed.every(name => name.startsWith('-')) ? 'option' : isInCommand ? 'argument' : 'command or option'} ${typed.map(name => `"${name}"`).join(', ')}`
  }
  const [, option, given, choices] = /Argument: (.+), Given: (.+), Choices: (.+)/.exec(words) ?? []
  if (option !== undefined && given !== undefined && choices !== undefined) return `"${option}" cannot be ${given}, but one of ${choices}`
  const valueless = /^Not enough arguments following: (.+)$/.exec(words)?.[1]
  if (valueless !== undefined) return `"${valueless}" needs a value`
  const got = /^Not enough non-option arguments: got (\d+)/.exec(words)?.[1]
  if (got !== undefined) return `${nameOfArgument(argv, Number(got)) ?? 'an argument'} is missing`
  return words.replace(/\.$/, '').replace(/^[A-Z]/, first => first.toLowerCase())
}

/** The one that follows those that were given, as the usage calls it: `<backup>`. */
function nameOfArgument(argv: readonly string[], given: number): string | undefined {
  const named = commands.find(command => argv.includes(nameOf(command)))
  return named?.usage.split(' ').slice(1)[given]
}

function nameOf({ usage: line }: Command): string {
  return line.split(' ')[0] ?? ''
}

function toCamelCase(name: string): string {
  return name.replace(/-+(.)/g, (_dash, letter: string) => letter.toUpperCase())
}
