import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'

/** What a registry is shown. An identity token stands for a password. */
export type Credentials = { readonly username: string; readonly password: string } | { readonly identityToken: string }

type DockerConfig = { readonly auths?: Record<string, { auth?: string; identitytoken?: string; username?: string; password?: string }>; readonly credsStore?: string; readonly credHelpers?: Record<string, string> }

/** Docker's own key for its registry. */
const dockerHub = 'https://index.docker.io/v1/'

/** The registry that a reference names: what stands before its first slash, if that is a host. */
export function registryOf(reference: string): string {
  const [first = '', ...rest] = reference.split('/')
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : 'docker.io'
}

/**
 * Credentials as docker finds them: DOCKER_AUTH_CONFIG, then config.json of `configFolder`, where a helper of the registry goes
 * before the general one, and that before what stands in the file. Undefined where there are none.
 */
export async function readCredentials(registry: string, configFolder: string, env: NodeJS.ProcessEnv): Promise<Credentials | undefined> {
  const key = registry === 'docker.io' ? dockerHub : registry
  const given = env['DOCKER_AUTH_CONFIG']
  const first = given === undefined || given === '' ? undefined : inFile(parse(given, 'DOCKER_AUTH_CONFIG'), key)
  if (first !== undefined) return first
  const config = await readConfig(join(configFolder, 'config.json'))
  const helper = config.credHelpers?.[key] ?? config.credsStore
  return helper === undefined || helper === '' ? inFile(config, key) : await askHelper(helper, key, env)
}

/** The value of X-Registry-Auth: what an engine cannot decode it ignores, and 20.10 wants base64url with its padding. */
export function registryAuth(credentials: Credentials | undefined, registry: string): string {
  const fields = credentials === undefined ? {} : 'identityToken' in credentials ? { identitytoken: credentials.identityToken } : credentials
  return Buffer.from(JSON.stringify({ ...fields, serveraddress: registry })).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

async function readConfig(path: string): Promise<DockerConfig> {
  try {
    return parse(await readFile(path, 'utf8'), path)
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return {}
    throw errnoOf(thrown) === undefined ? thrown : fromSystemError(thrown, 'cannot read', path)
  }
}

function parse(text: string, where: string): DockerConfig {
  try {
    return JSON.parse(text) as DockerConfig
  } catch (cause) {
    throw new DrayError('usage', `"${where}" is not JSON`, { cause })
  }
}

function inFile({ auths = {} }: DockerConfig, key: string): Credentials | undefined {
  const entry = auths[key] ?? Object.entries(auths).find(([each]) => hostOf(each) === hostOf(key))?.[1]
  if (entry === undefined) return undefined
  if (entry.identitytoken !== undefined && entry.identitytoken !== '') return { identityToken: entry.identitytoken }
  const [, username = entry.username, password = entry.password] = /^([^:]*):([^]*?)\0*$/.exec(Buffer.from(entry.auth ?? '', 'base64').toString()) ?? []
  return username === undefined || password === undefined ? undefined : { username, password }
}

/** Older files have URLs as keys. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
}

async function askHelper(name: string, key: string, env: NodeJS.ProcessEnv): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`
  const child = spawn(program, ['get'], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin.on('error', () => undefined).end(key)
  const said: Buffer[] = []
  child.stdout.on('data', (piece: Buffer) => said.push(piece))
  const [exitCode] = (await once(child, 'close').catch((cause: unknown) => {
    throw new DrayError('unauthorized', `"${program}", which docker's config names, cannot be run`, { hints: ['install it, or run: docker login'], cause })
  })) as [number | null]
  const answer = Buffer.concat(said).toString()
  if (exitCode !== 0 && /credentials not found/i.test(answer)) return undefined
  if (exitCode !== 0) throw new DrayError('unauthorized', `"${program}" gives no credentials for "${key}": ${answer.trim()}`, { hints: [`docker login ${hostOf(key)}`] })
  const { Username = '', Secret = '' } = parse(answer, program) as { Username?: string; Secret?: string }
  return Username === '<token>' ? { identityToken: Secret } : { username: Username, password: Secret }
}
