import type { ChildProcess } from 'node:child_process'
import type { EngineName } from '../../lab/engines.ts'
import type { HostOptions } from '../../lab/host.ts'
import { DrayProcess, drayWith, type DrayEnd, type DrayEvent } from './dray-process.ts'
import { World, type Inventory } from './world.ts'

/** Two hosts: "web" runs on the one and is to be moved to the other. */
export class Pair implements AsyncDisposable {
  readonly one: World
  readonly two: World
  contents = ''
  private before: { readonly source: Inventory; readonly target: Inventory } | undefined

  private constructor(one: World, two: World) {
    this.one = one
    this.two = two
  }

  static async start(source: EngineName = '20.10', target: EngineName = '20.10', targetOptions: Partial<HostOptions> = {}): Promise<Pair> {
    const [one, two] = await Promise.all([World.start(source), World.start(target, targetOptions)])
    return new Pair(one, two)
  }

  get env(): NodeJS.ProcessEnv {
    return this.one.env
  }

  /** A container with a port, a network, volumes and an anonymous one. */
  async makeWeb(): Promise<void> {
    await this.one.fresh()
    await this.one.makeWeb('web', ['-p', '18081:80', '-v', '/anonymous'])
    await this.one.docker('exec', 'web', 'sh', '-c', 'echo anonymous > /anonymous/file')
    this.contents = await this.dataOf(this.one)
    this.before = { source: await this.one.inventory(), target: await this.two.inventory() }
  }

  async dataOf(world: World): Promise<string> {
    return await world.docker('exec', 'web', 'sh', '-c', 'find /data /logs /root /anonymous -type f | sort | xargs md5sum')
  }

  /** The command line of the migration: by the local sockets, or through ssh. */
  migration(way: 'socket' | 'ssh' = 'socket', ...more: readonly string[]): string[] {
    const ends = way === 'ssh' ? [this.one.host.ssh.endpoint, this.two.host.ssh.endpoint] : [this.one.address, this.two.address]
    return ['migrate', 'web', ...ends, ...more]
  }

  dray(...args: readonly string[]): Promise<DrayEnd> {
    return new DrayProcess(args, this.env).ended
  }

  drayWith(args: readonly string[], at: (event: DrayEvent) => boolean, act: (child: ChildProcess) => unknown): Promise<DrayEnd & { readonly met: boolean }> {
    return drayWith(args, this.env, at, act)
  }

  /** What has to be so after a migration that failed: the source works with its data, the target has nothing of the run. */
  async state(): Promise<object> {
    return { source: await this.one.inventory(), target: await this.two.inventory(), contents: await this.dataOf(this.one), policy: await this.policy(), journals: await this.one.journals() }
  }

  /** The same before anything was done. */
  asBefore(): object {
    return { ...this.before, contents: this.contents, policy: 'always', journals: [] }
  }

  async policy(): Promise<string> {
    return await this.one.docker('inspect', '--format', '{{.HostConfig.RestartPolicy.Name}}', 'web')
  }

  async removeAll(): Promise<void> {
    await Promise.all([this.one.removeAll(), this.two.removeAll()])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.one[Symbol.asyncDispose](), this.two[Symbol.asyncDispose]()])
  }
}
