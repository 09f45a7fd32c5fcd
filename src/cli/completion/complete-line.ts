import yargs, { type Argv } from 'yargs'
import type { Command } from '../command.ts'
import { commands } from '../commands.ts'
import { readGlobals, withConfiguredRepository, withGlobalOptions } from '../global-options.ts'
import { kindOfOption, kindOfPositional, type WordKind } from './word-kinds.ts'
import { findWords, type Candidate } from './find-words.ts'

type KnownOptions = { readonly alias: Readonly<Record<string, readonly string[] | undefined>>; readonly boolean: readonly string[]; readonly choices: Readonly<Record<string, readonly string[] | undefined>>; readonly key: Readonly<Record<string, unknown>> }

/**
 * What completes the last of the words after `dray`, "" for one that is not begun. Never throws: what cannot be found out, because
 * an engine does not answer for example, completes nothing.
 */
export async function completeLine(typed: readonly string[], env: NodeJS.ProcessEnv): Promise<Candidate[]> {
  // bash makes three words of --option=value.
  const words = typed.filter((word, at) => word !== '=' || at === 0)
  const last = words.at(-1) ?? ''
  const current = typed.at(-1) === '=' ? '' : last
  const before = typed.at(-1) === '=' ? words : words.slice(0, -1)
  const [, joined, begun] = /^(--[\w-]+)=(.*)$/s.exec(current) ?? []
  if (joined !== undefined) return fitting((await candidatesFor([...before, joined], begun ?? '', env)).map(({ word, ...rest }) => ({ word: `${joined}=${word}`, ...rest })), current)
  return fitting(await candidatesFor(before, current, env), current)
}

async function candidatesFor(before: readonly string[], current: string, env: NodeJS.ProcessEnv): Promise<Candidate[]> {
  if (before.includes('--')) return []
  const global = optionsOf(withGlobalOptions(yargs([])))
  const { words: [name], awaits } = readWords(before, global)
  const command = commands.find(({ usage }) => usage.split(' ')[0] === name)
  if (command === undefined && name !== undefined) return []
  if (command === undefined) {
    if (awaits !== undefined) return await ofKind(awaits, global, [], undefined, before, env)
    return current.startsWith('-') ? namesOf(global) : commands.map(({ usage, summary }) => ({ word: usage.split(' ')[0] ?? '', describe: summary }))
  }
  const known = optionsOf(command.options(withGlobalOptions(yargs([]))))
  const read = readWords(before, known)
  const given = read.words.slice(1)
  if (read.awaits !== undefined) return await ofKind(read.awaits, known, given, command, before, env)
  if (current.startsWith('-')) return namesOf(known)
  const placeholder = placeholderAt(command, given.length)
  if (placeholder === undefined) return []
  const choices = known.choices[placeholder]
  return choices === undefined ? await findWords(kindOfPositional(command, placeholder), given, await globalsOf(before, known, env), env) : choices.map(word => ({ word }))
}

async function ofKind(option: string, known: KnownOptions, given: readonly string[], command: Command | undefined, before: readonly string[], env: NodeJS.ProcessEnv): Promise<Candidate[]> {
  const choices = known.choices[option]
  if (choices !== undefined) return choices.map(word => ({ word }))
  const kind: WordKind | undefined = kindOfOption(command, option)
  return kind === undefined ? [] : await findWords(kind, given, await globalsOf(before.slice(0, -1), known, env), env)
}

async function globalsOf(before: readonly string[], known: KnownOptions, env: NodeJS.ProcessEnv) {
  const { values } = readWords(before, known)
  return await withConfiguredRepository(readGlobals(values)).catch(() => readGlobals({ ...values, repo: values['repo'] ?? env['DRAY_REPO'] }))
}

/** What is no option and no value of one; the options' values; and the option that the next word would be the value of. */
function readWords(before: readonly string[], known: KnownOptions): { readonly words: readonly string[]; readonly values: Record<string, unknown>; readonly awaits: string | undefined } {
  const words: string[] = []
  const values: Record<string, unknown> = {}
  let awaits: string | undefined
  for (const word of before) {
    const [, dashes, name = '', value] = /^(--?)([^=]+)(?:=(.*))?$/s.exec(word) ?? []
    if (awaits !== undefined) {
      values[awaits] = word
      awaits = undefined
    } else if (dashes === undefined) words.push(word)
    else {
      const main = mainName(name, known)
      if (value !== undefined) values[main] = value
      else if (main in known.key && !known.boolean.includes(main)) awaits = main
      else values[main] = true
    }
  }
  return { words, values, awaits }
}

/** yargs knows an option by its long name, its letter, and in camel case. */
function mainName(name: string, { alias }: KnownOptions): string {
  return Object.entries(alias).find(([main, others]) => main.length > 1 && others?.includes(name))?.[0] ?? name
}

function placeholderAt({ usage }: Command, at: number): string | undefined {
  const all = usage.split(' ').slice(1)
  const placeholder = all[at] ?? (all.at(-1)?.includes('..') === true ? all.at(-1) : undefined)
  return placeholder?.replace(/[<>[\].]/g, '')
}

function optionsOf(parser: Argv): KnownOptions {
  return (parser as unknown as { getOptions: () => KnownOptions }).getOptions()
}

function namesOf({ key }: KnownOptions): Candidate[] {
  return [...new Set([...Object.keys(key), 'help'])].filter(name => name.length > 1 && !/[A-Z]/.test(name)).sort().map(name => ({ word: `--${name}` }))
}

function fitting(candidates: readonly Candidate[], current: string): Candidate[] {
  return candidates.filter(({ word }) => word.startsWith(current))
}
