import type { ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EngineName } from '../../lab/engines.ts'
import { acquireOwnerLock, type OwnerLock } from '../../../src/files/owner-lock.ts'
import { startHost, type HostOptions, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { DrayProcess, drayWith, type DrayEnd, type DrayEvent } from './dray-process.ts'

/** Everything of an engine that a user would miss, or would find and wonder about. */
export type Inventory = { readonly containers: readonly string[]; readonly images: readonly string[]; readonly volumes: readonly string[]; readonly networks: readonly string[] }

/** A host with a container that has something of everything, and a place for dray's files. */
export class World implements AsyncDisposable {
  readonly host: LabHost
  readonly folder: string
  private number = 0
  repo = ''
  state = ''

  private constructor(host: LabHost, folder: string) {
    this.host = host
    this.folder = folder
  }

  static async start(engine: EngineName = '20.10', options: Partial<HostOptions> = {}): Promise<World> {
    const host = await startHost({ engine, ...options })
    await busyboxImage(host, 'box:1', { cmd: ['sleep', '100000'] })
    const world = new World(host, await mkdtemp(join(tmpdir(), 'dray-fault-')))
    await world.fresh()
    return world
  }

  get address(): string {
    return `unix://${this.host.socket}`
  }

  get env(): NodeJS.ProcessEnv {
    return { HOME: this.folder, DRAY_REPO: this.repo, XDG_STATE_HOME: this.state, DOCKER_HOST: this.address, ...this.host.ssh.env }
  }

  /** A repository and a state folder that nothing was written to. */
  async fresh(): Promise<void> {
    const each = join(this.folder, String(++this.number))
    await mkdir(each)
    this.repo = join(each, 'repo')
    this.state = join(each, 'state')
  }

  /** The files of those who hold the repository. */
  async locks(): Promise<string[]> {
    return (await readdir(join(this.repo, 'drayage/locks'))).filter(name => name.endsWith('.json'))
  }

  /** A container with a network, two volumes and a changed file of its own; it has a restart policy. */
  async makeWeb(name = 'web', more: readonly string[] = []): Promise<void> {
    await this.docker('network', 'create', `${name}-net`)
    await this.docker('run', '-d', '--init', '--restart', 'always', '--stop-timeout', '0', '--name', name, '--network', `${name}-net`, '-v', `${name}-data:/data`, '-v', `${name}-logs:/logs`, ...more, 'box:1')
    await this.docker('exec', name, 'sh', '-c', 'mkdir /data/dir && for i in 1 2 3 4 5 6 7 8; do head -c 3000000 /dev/urandom > /data/dir/f$i; echo $i > /data/s$i; done; echo log > /logs/log; head -c 3000000 /dev/urandom > /root/own; echo old > /data/which')
  }

  async removeAll(): Promise<void> {
    await this.host.sh(`d="docker --host unix://${this.host.socket}"; for c in $($d ps -aq); do $d unpause $c >/dev/null 2>&1 || true; $d rm -fv $c >/dev/null; done; for v in $($d volume ls -q); do $d volume rm $v > /dev/null; done; $d network prune -f >/dev/null; for i in $($d images --format '{{.Repository}}:{{.Tag}}' | grep -v '^box:1$' | grep -v none); do $d rmi -f $i >/dev/null; done; $d image prune -f >/dev/null`)
  }

  async docker(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.host.docker(args)
    if (exitCode !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }

  dray(...args: string[]): Promise<DrayEnd> {
    return new DrayProcess(args, this.env).ended
  }

  drayWith(args: readonly string[], at: (event: DrayEvent) => boolean, signal: NodeJS.Signals): Promise<DrayEnd & { readonly met: boolean }> {
    return drayWith(args, this.env, at, child => child.kill(signal))
  }

  /** A signal so long after the start. */
  async drayAfter(args: readonly string[], milliseconds: number, signal: NodeJS.Signals): Promise<DrayEnd> {
    const { child, ended } = new DrayProcess(args, this.env)
    const timer = setTimeout(() => child.kill(signal), milliseconds)
    const end = await ended
    clearTimeout(timer)
    return end
  }

  /** SIGINT at an event, and once more when dray has said that it stops. */
  async drayTwice(args: readonly string[], at: (event: DrayEvent) => boolean, count: () => number): Promise<DrayEnd> {
    const interrupt = (child: ChildProcess): void => {
      count()
      child.kill('SIGINT')
    }
    let met = false
    const { child, ended } = new DrayProcess(args, this.env, (event, running) => {
      if (met || !at(event)) return
      met = true
      running.stderr?.once('data', () => interrupt(running))
      interrupt(running)
    })
    child.stderr?.resume()
    return await ended
  }

  /** Names and states; images by their ids and names. */
  async inventory(): Promise<Inventory> {
    const lines = async (...args: string[]): Promise<string[]> => (await this.docker(...args)).split('\n').filter(line => line !== '').sort()
    return {
      containers: await lines('ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.State}} {{.Networks}}'),
      images: await lines('images', '-a', '--no-trunc', '--format', '{{.ID}} {{.Repository}}:{{.Tag}}'),
      volumes: await lines('volume', 'ls', '-q'),
      networks: await lines('network', 'ls', '--format', '{{.Name}} {{.Driver}}'),
    }
  }

  /** What the container's program sees of its data. */
  async contents(name = 'web'): Promise<string> {
    return await this.docker('exec', name, 'sh', '-c', 'find /data /logs /root -type f | sort | xargs md5sum')
  }

  /** The same of a backup of "web", restored beside it for a moment. Rejects when that cannot be done, or is no running container. */
  async contentsOf(backup: string): Promise<string> {
    const { exitCode, stderr } = await this.dray('restore', backup, '--name', 'other', '--map-volume', 'web-data:other-data', '--map-volume', 'web-logs:other-logs')
    const status = exitCode === 0 ? await this.status('other') : 'not there'
    if (stderr !== '' || status !== 'running') throw new Error(`the restore of "${backup}" ended with ${exitCode}, and the container is ${status}: ${stderr}`)
    const contents = await this.contents('other')
    await this.docker('rm', '-f', 'other')
    await this.docker('volume', 'rm', 'other-data', 'other-logs')
    return contents
  }

  async status(name = 'web'): Promise<string> {
    return await this.docker('inspect', '--format', '{{.State.Status}}', name)
  }

  async journals(): Promise<string[]> {
    return (await readdir(join(this.state, 'drayage/journal')).catch(() => [])).filter(name => name.endsWith('.ndjson'))
  }

  /** As if the killed run had done so much earlier what its journal says. */
  async ageJournals(minutes: number): Promise<void> {
    for (const name of await this.journals()) {
      const path = join(this.state, 'drayage/journal', name)
      const text = await readFile(path, 'utf8')
      await writeFile(path, text.replaceAll(/"at":"([^"]*)"/g, (_, at: string) => `"at":"${new Date(Date.parse(at) - minutes * 60_000).toISOString()}"`))
    }
  }

  /** Files of half written things and of locks in the repository. */
  async repositoryLeftovers(): Promise<string[]> {
    const found = await Promise.all(['tmp', 'locks', 'index-lock'].map(folder => readdir(join(this.repo, 'drayage', folder)).catch(() => [])))
    return found.flat()
  }

  /** Whoever is to change index.json stands still until this is released, with the repository's own lock in its hands; for up to a minute. */
  async holdIndex(): Promise<OwnerLock> {
    return await acquireOwnerLock(join(this.repo, 'drayage/index-lock'), 'exclusive', { command: 'a test' })
  }

  /** The lock of one who reads or writes backups, as long as the test wants. */
  async holdShared(): Promise<OwnerLock> {
    return await acquireOwnerLock(join(this.repo, 'drayage/locks'), 'shared', { command: 'a test' })
  }

  async backups(): Promise<string[]> {
    const { result } = await this.dray('list')
    return ((result?.['backups'] ?? []) as { id: string }[]).map(({ id }) => id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]()
    await rm(this.folder, { recursive: true, force: true })
  }
}
