import { readFile } from 'node:fs/promises'
import { DrayError } from '../../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../../errors/system-error.ts'
import { parseYaml } from '../../files/yaml.ts'
import { checkYaml, type YamlProblem } from '../check-yaml.ts'
import { fillIn, variablesIn } from './fill-in.ts'
import { configPlaces } from './places.ts'
import { configSchema, knownKeys, type Config } from './schema.ts'

/** `variables` are names of what the environment fills in. */
export type LoadedConfig = { readonly path: string; readonly config: Config; readonly variables: readonly string[] }

/** The file that is named by --config or DRAY_CONFIG, else the first of the usual places that is there. Undefined when there is none. */
export async function loadConfig(named: string | undefined, env: NodeJS.ProcessEnv): Promise<LoadedConfig | undefined> {
  const found = await findText(named, env)
  return found === undefined ? undefined : load(found.text, found.path, env)
}

async function findText(named: string | undefined, env: NodeJS.ProcessEnv): Promise<{ readonly text: string; readonly path: string } | undefined> {
  const wanted = named ?? (env['DRAY_CONFIG'] || undefined)
  if (wanted !== undefined) return { text: await readNamed(wanted), path: wanted }
  for (const path of configPlaces(env)) {
    const text = await readFile(path, 'utf8').catch((thrown: unknown) => {
      if (errnoOf(thrown) === 'ENOENT' || errnoOf(thrown) === 'ENOTDIR') return undefined
      throw fromSystemError(thrown, 'cannot read', path)
    })
    if (text !== undefined) return { text, path }
  }
  return undefined
}

/** Where the configuration says that the repository is, also when its jobs have mistakes: what needs no job goes on. */
export async function configuredRepository(named: string | undefined, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const found = await findText(named, env)
  if (found === undefined) return undefined
  try {
    return parseConfig(found.text, found.path, env).repository
  } catch (thrown) {
    const problems: YamlProblem[] = []
    const { repository } = Object(fillIn(parseYaml(found.text, { fileName: found.path }).value, env, problems)) as { readonly repository?: unknown }
    if (typeof repository !== 'string' || problems.some(({ path }) => path[0] === 'repository')) throw thrown
    return repository
  }
}

function load(text: string, path: string, env: NodeJS.ProcessEnv): LoadedConfig {
  return { path, config: parseConfig(text, path, env), variables: variablesIn(text) }
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
  return checkYaml(text, {
    fileName, knownKeys, schema: configSchema, prepare: (value, problems) => fillIn(value, env, problems),
    what: 'a configuration that dray understands', hints: ['docs/configuration.md has every key, with examples', 'dray doctor shows what each job would do'],
  }).value
}
