import type { z } from 'zod'
import { DrayError } from '../errors/dray-error.ts'
import { didYouMean } from '../errors/similar-name.ts'
import { parseYaml, type ParsedYaml } from '../files/yaml.ts'

export type YamlProblem = { readonly path: readonly (string | number)[]; readonly message: string }

export type YamlChecks<Schema extends z.ZodType> = {
  readonly fileName: string
  readonly schema: Schema
  /** What the file should have been, as in "a configuration that dray understands". */
  readonly what: string
  readonly hints: readonly string[]
  /** Keys that the object at a path knows. */
  readonly knownKeys: (path: readonly PropertyKey[]) => readonly string[]
  /** Makes of what is written what is checked; its problems stand for those that the schema has with the same values. */
  readonly prepare?: (value: unknown, problems: YamlProblem[]) => unknown
}

export type CheckedYaml<Value> = { readonly value: Value; readonly lineOf: ParsedYaml['lineOf'] }

/** Throws `usage` that lists everything wrong with the file, each with its line. */
export function checkYaml<Schema extends z.ZodType>(text: string, { fileName, schema, what, hints, knownKeys, prepare = value => value }: YamlChecks<Schema>): CheckedYaml<z.output<Schema>> {
  const yaml = parseYaml(text, { fileName })
  const prepared: YamlProblem[] = []
  const result = schema.safeParse(prepare(yaml.value ?? {}, prepared))
  const isNamed = (path: readonly PropertyKey[]): boolean => prepared.some(each => each.path.join('.') === path.join('.'))
  const issues = result.success ? [] : result.error.issues.filter(({ path }) => !isNamed(path))
  const problems = [...prepared.map(({ path, message }) => `line ${yaml.lineOf(path)}: ${where(path)}${message}`), ...issues.flatMap(issue => describe(issue, yaml, knownKeys))].sort((one, other) => lineIn(one) - lineIn(other))
  if (result.success && problems.length === 0) return { value: result.data, lineOf: yaml.lineOf }
  throw new DrayError('usage', `"${fileName}" is not ${what}`, { list: [...new Set(problems)], hints })
}

function lineIn(problem: string): number {
  return Number(/^line (\d+)/.exec(problem)?.[1] ?? 0)
}

function describe(issue: z.core.$ZodIssue, yaml: ParsedYaml, knownKeys: (path: readonly PropertyKey[]) => readonly string[]): string[] {
  const path = issue.path.map(each => (typeof each === 'number' ? each : String(each)))
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => {
      const [meant] = didYouMean(key, knownKeys(issue.path))
      return `line ${yaml.lineOf([...path, key])}: ${where(path)}"${key}" is not a key${meant === undefined ? `; known are ${knownKeys(issue.path).join(', ')}` : `: ${meant}`}`
    })
  }
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
  return [`line ${yaml.lineOf(path)}: ${where(path)}${message.replace(/^Invalid input: /, '').replace(/^[A-Z](?=[a-z])/, first => first.toLowerCase())}`]
}

function where(path: readonly (string | number)[]): string {
  return path.length === 0 ? '' : `${path.join('.')}: `
}
