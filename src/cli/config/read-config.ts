import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { DrayError } from '../../errors/dray-error.ts'
import { didYouMean } from '../../errors/similar-name.ts'
import { errnoOf, fromSystemError } from '../../errors/system-error.ts'
import { parseYaml, type ParsedYaml } from '../../files/yaml.ts'
import { fillIn, type FillInProblem } from './fill-in.ts'
import { configPlaces } from './places.ts'
import { configSchema, knownKeys, type Config } from './schema.ts'

export type LoadedConfig = { readonly path: string; readonly config: Config }

/** The file that is named by --config or DRAY_CONFIG, else the first of the usual places that is there. Undefined when there is none. */
export async function loadConfig(named: string | undefined, env: NodeJS.ProcessEnv): Promise<LoadedConfig | undefined> {
  const wanted = named ?? (env['DRAY_CONFIG'] || undefined)
  if (wanted !== undefined) return { path: wanted, config: parseConfig(await readNamed(wanted), wanted, env) }
  for (const path of configPlaces(env)) {
    const text = await readFile(path, 'utf8').catch((thrown: unknown) => {
      if (errnoOf(thrown) === 'ENOENT' || errnoOf(thrown) === 'ENOTDIR') return undefined
      throw fromSystemError(thrown, 'cannot read', path)
    })
    if (text !== undefined) return { path, config: parseConfig(text, path, env) }
  }
  return undefined
}

export function noConfig(job: string, env: NodeJS.ProcessEnv): DrayError {
  return new DrayError('not-found', `there is no configuration, so no job "${job}"`, { hints: [`write one in ${configPlaces(env).join(' or ')}: docs/configuration.md`, 'or name it with --config or DRAY_CONFIG'] })
}

async function readNamed(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    throw fromSystemError(thrown, 'cannot read', path)
  }
}

/** Throws `usage` that lists everything wrong with the file, each with its line. */
export function parseConfig(text: string, fileName: string, env: NodeJS.ProcessEnv): Config {
  const yaml = parseYaml(text, { fileName })
  const unset: FillInProblem[] = []
  const result = configSchema.safeParse(fillIn(yaml.value ?? {}, env, unset))
  const isUnset = (path: readonly PropertyKey[]): boolean => unset.some(each => each.path.join('.') === path.join('.'))
  const issues = result.success ? [] : result.error.issues.filter(({ path }) => !isUnset(path))
  const problems = [...unset.map(({ path, message }) => `line ${yaml.lineOf(path)}: ${where(path)}${message}`), ...issues.flatMap(issue => describe(issue, yaml))].sort((one, other) => lineIn(one) - lineIn(other))
  if (result.success && problems.length === 0) return result.data
  throw new DrayError('usage', `"${fileName}" is not a configuration that dray understands`, { list: [...new Set(problems)], hints: ['docs/configuration.md has every key, with examples', 'dray doctor shows what each job would do'] })
}

function lineIn(problem: string): number {
  return Number(/^line (\d+)/.exec(problem)?.[1] ?? 0)
}

function describe(issue: z.core.$ZodIssue, yaml: ParsedYaml): string[] {
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
