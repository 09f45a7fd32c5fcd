import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { readTlsFolder } from './tls-folder.ts'
import type { TlsMaterial } from './endpoint.ts'

/** What a docker context says about its engine. */
export type DockerContext = { readonly host: string; readonly tls?: TlsMaterial }

/** The folder of docker's own settings: DOCKER_CONFIG or ~/.docker. */
export function dockerConfigFolder(env: NodeJS.ProcessEnv): string {
  const set = env['DOCKER_CONFIG']
  return set !== undefined && set !== '' ? set : join(homeOf(env), '.docker')
}

export function homeOf(env: NodeJS.ProcessEnv): string {
  const home = env['HOME']
  return home !== undefined && home !== '' ? home : homedir()
}

/** `currentContext` of config.json. A file that is missing sets none; one that cannot be parsed is `usage`. */
export async function readCurrentContext(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const path = join(dockerConfigFolder(env), 'config.json')
  const config = await readJson(path)
  const name = config?.['currentContext']
  return typeof name === 'string' && name !== '' ? name : undefined
}

/** Reads a context by name. A missing one is `not-found`, naming those that exist. */
export async function readContext(name: string, env: NodeJS.ProcessEnv): Promise<DockerContext> {
  const root = join(dockerConfigFolder(env), 'contexts')
  const id = createHash('sha256').update(name).digest('hex')
  const meta = await readJson(join(root, 'meta', id, 'meta.json'))
  if (meta === undefined) throw await noSuchContext(name, env)
  const endpoint = recordAt(recordAt(meta, 'Endpoints'), 'docker')
  const host = endpoint?.['Host']
  if (typeof host !== 'string' || host === '') throw new DrayError('usage', `the docker context "${name}" names no docker engine`, { hints: [`see: docker context inspect ${name}`] })
  const verify = endpoint?.['SkipTLSVerify'] !== true
  const folder = join(root, 'tls', id, 'docker')
  const files = await readTlsFolder(folder)
  return Object.keys(files).length > 0 || !verify ? { host, tls: { verify, ...files } } : { host }
}

/** The names of all contexts, `default` first. */
export async function listContexts(env: NodeJS.ProcessEnv): Promise<string[]> {
  const folder = join(dockerConfigFolder(env), 'contexts', 'meta')
  let entries: string[]
  try {
    entries = await readdir(folder)
  } catch {
    entries = []
  }
  const names: string[] = []
  for (const entry of entries) {
    const name = (await readJson(join(folder, entry, 'meta.json')).catch(() => undefined))?.['Name']
    if (typeof name === 'string') names.push(name)
  }
  return ['default', ...names.sort()]
}

async function noSuchContext(name: string, env: NodeJS.ProcessEnv): Promise<DrayError> {
  const names = await listContexts(env)
  const address = /[.:/@]/.test(name) ? [`for an address, write its scheme: ${name.startsWith('/') ? `unix://${name}` : name.includes('@') ? `ssh://${name}` : `tcp://${name} or ssh://${name}`}`] : [`for a machine of this name, write ssh://${name}`]
  return new DrayError('not-found', `there is no docker context "${name}"`, { hints: [`contexts that exist: ${names.map(each => `"${each}"`).join(', ')}`, ...address] })
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (thrown) {
    const errno = errnoOf(thrown)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
    throw fromSystemError(thrown, 'reading', path)
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (cause) {
    throw new DrayError('usage', `"${path}" is not valid JSON`, { hints: ['repair the file, or name the engine with -H'], cause })
  }
  throw new DrayError('usage', `"${path}" is not a JSON object`)
}

function recordAt(value: Record<string, unknown> | undefined, key: string): Record<string, unknown> | undefined {
  const member = value?.[key]
  return typeof member === 'object' && member !== null ? (member as Record<string, unknown>) : undefined
}
