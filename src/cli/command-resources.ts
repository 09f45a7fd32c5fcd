import { homedir } from 'node:os'
import { join } from 'node:path'
import { dockerConfigFolder } from '../engine/docker-context.ts'
import type { Engine } from '../engine/engine.ts'
import { DrayError } from '../errors/dray-error.ts'
import { parseRegistryUrl, type RegistryName } from '../registry/reference.ts'
import { RegistryRepository } from '../registry/registry-repository.ts'
import { Registry } from '../registry/registry.ts'
import { openRemoteRepository } from '../store/remote-repository.ts'
import { openRepository, type LocalRepository, type Repository } from '../store/repository.ts'
import type { GlobalOptions } from './command.ts'
import { noteRecent } from './recent-repositories.ts'

const usualAnswerMs = 5_000

export function defaultRepository(env: NodeJS.ProcessEnv): string {
  return env['DRAY_REPO'] || join(env['XDG_DATA_HOME'] || join(homedir(), '.local/share'), 'drayage/repo')
}

/** Where the journal and other facts about runs lie. */
export function stateFolder(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local/state'), 'drayage')
}

/** What may be deleted at any time. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'drayage')
}

/** What one command opens. close() ends all of it, also after a failure. */
export class CommandResources {
  private readonly engines = new Map<string, Promise<Engine>>()
  private readonly repositories: Repository[] = []
  private readonly registries = new Map<string, Registry>()
  private readonly globals: GlobalOptions
  private readonly signal: AbortSignal
  private readonly say: (text: string) => void

  /** `say` is told of an engine that is long in answering. */
  constructor(globals: GlobalOptions, signal: AbortSignal, say: (text: string) => void = () => undefined) {
    this.globals = globals
    this.signal = signal
    this.say = say
  }

  /** One connection per address, however often it is asked for; one that compresses is another one. After a failure it is tried anew. */
  connect(host = this.globals.host, from?: string, compress = false): Promise<Engine> {
    const key = `${host ?? ''}${compress ? ' compressed' : ''}`
    const known = this.engines.get(key)
    if (known) return known
    const connecting = this.openConnection(host, from, compress)
    this.engines.set(key, connecting)
    connecting.catch(() => this.engines.delete(key))
    return connecting
  }

  /** dockerode takes longer to load than all of the rest: commands that need no engine go without. */
  private async openConnection(host: string | undefined, from: string | undefined, compress: boolean): Promise<Engine> {
    const { connectEngine } = await import('../engine/connect.ts')
    const impatience = setTimeout(() => this.say(`the engine${host === undefined ? '' : ` at "${host}"`} has not answered yet: waiting on`), usualAnswerMs)
    try {
      return await connectEngine({ ...(host === undefined ? {} : { host }), ...(from === undefined ? {} : { from }), env: process.env, signal: this.signal, compress })
    } finally {
      clearTimeout(impatience)
    }
  }

  /** One client per registry. */
  openRegistry({ registry: host, name }: RegistryName): RegistryRepository {
    let registry = this.registries.get(host)
    if (registry === undefined) {
      registry = new Registry({ registry: host, insecure: this.globals.insecure, configFolder: dockerConfigFolder(process.env), env: process.env })
      this.registries.set(host, registry)
    }
    return new RegistryRepository(registry, name, this.signal)
  }

  async openRepository({ path: repo = this.globals.repo, ...options }: { readonly create: boolean; readonly path?: string }): Promise<Repository> {
    const note = (path: string): Promise<void> => noteRecent(join(stateFolder(process.env), 'repositories'), path)
    const isRemote = repo.startsWith('oci://')
    const repository = isRemote ? await openRemoteRepository(this.openRegistry(parseRegistryUrl(repo)), join(cacheFolder(process.env), 'registries'), note) : await openLocal(repo, options)
    this.repositories.push(repository)
    if (!isRemote) await note(repository.path)
    return repository
  }

  async close(): Promise<void> {
    const engines = await Promise.allSettled(this.engines.values())
    await Promise.allSettled([
      ...engines.flatMap(each => (each.status === 'fulfilled' ? [each.value.close()] : [])),
      ...this.repositories.map(each => each.close()),
      ...[...this.registries.values()].map(each => each.close()),
    ])
  }
}

async function openLocal(repo: string, options: { readonly create: boolean }): Promise<LocalRepository> {
  if (/^[a-z]+:\/\//.test(repo)) throw new DrayError('usage', `"${repo}" is neither a folder nor oci://HOST/NAME`, { hints: ['name one with --repo or DRAY_REPO'] })
  return await openRepository(repo, options)
}
