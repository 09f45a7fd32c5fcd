import type { Argv } from 'yargs'

/** What yargs knows of the options of a parser, which its types leave out. */
export type YargsOptions = Readonly<Record<'array' | 'string' | 'number', readonly string[]>> & {
  readonly key: Readonly<Record<string, unknown>>
  readonly alias: Readonly<Record<string, readonly string[] | undefined>>
  readonly choices: Readonly<Record<string, readonly string[] | undefined>>
  readonly default: Readonly<Record<string, unknown>>
}

export function optionsOf(parser: Argv): YargsOptions {
  return (parser as unknown as { getOptions: () => YargsOptions }).getOptions()
}
