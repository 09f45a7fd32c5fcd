import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ContainerInspect } from '../../../src/engine/api-types.ts'
import { run } from '../../lab/command.ts'
import type { LabHost } from '../../lab/host.ts'

const program = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))

/** The last event of --json, as far as the tests read it. */
export type Result = {
  readonly ids: readonly string[]
  readonly tags: readonly string[]
  readonly backups: readonly {
    readonly id: string
    readonly images: readonly { readonly role: string; readonly names: readonly string[]; readonly how: string }[]
    readonly mounts: readonly { readonly source: string; readonly destinations: readonly { readonly path: string }[]; readonly reader: string; readonly losses: readonly string[]; readonly problems: readonly object[] }[]
    readonly leftOut: readonly { readonly destination: string; readonly reason: string }[]
  }[]
  readonly restored: readonly {
    readonly id: string
    readonly state: { readonly status: string }
    readonly replacedIn: readonly string[]
    readonly engineDefaults: readonly { readonly field: string }[]
    readonly notInBackup: readonly { readonly destination: string; readonly reason: string }[]
  }[]
  readonly plans: readonly object[]
}

export type Answer = { readonly exitCode: number; readonly stderr: string; readonly stdout: string; readonly result: Result }

/** The program as people run it, with a home, a repository and a state folder of its own. Dispose removes them. */
export interface Dray extends AsyncDisposable {
  readonly home: string
  readonly repository: string
  readonly state: string
  /** With --json. */
  (...args: readonly string[]): Promise<Answer>
  /** With the result and nothing else asked for, and other variables. */
  plain(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Answer>
}

export async function installDray(env: NodeJS.ProcessEnv = {}): Promise<Dray> {
  const home = await mkdtemp(join(tmpdir(), 'dray-cli-'))
  const repository = join(home, 'repo')
  const state = join(home, 'state')
  const base = { PATH: process.env['PATH'], HOME: home, XDG_STATE_HOME: state, DRAY_REPO: repository, ...env }
  const plain = async (args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Answer> => {
    const { exitCode, stdout, stderr } = await run(process.execPath, [program, ...args], { env: { ...base, ...more } })
    return { exitCode, stdout, stderr, result: resultOf(stdout) }
  }
  const dray = (...args: readonly string[]): Promise<Answer> => plain([...args, '--json'])
  return Object.assign(dray, { home, repository, state, plain, [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }) })
}

/** Of an answer that is not JSON an empty one. */
function resultOf(stdout: string): Result {
  const line = stdout.trim().split('\n').at(-1) ?? ''
  return JSON.parse(line.startsWith('{') ? line : '{}') as Result
}

/** Throws with everything that was said unless the exit code is the one that is expected. */
export function expectExit(answer: Answer, exitCode: number): Answer {
  if (answer.exitCode === exitCode) return answer
  throw new Error(`dray ended with ${answer.exitCode} instead of ${exitCode}:\n${answer.stderr}\n${answer.stdout.slice(-4000)}`)
}

/** Everything that an engine lists, to be compared before and after. */
export type Inventory = { readonly containers: readonly string[]; readonly images: readonly string[]; readonly volumes: readonly string[]; readonly networks: readonly string[] }

export async function inventory(host: LabHost): Promise<Inventory> {
  const lines = async (...args: string[]): Promise<string[]> => (await docker(host, ...args)).split('\n').filter(line => line !== '').sort()
  return {
    containers: await lines('ps', '-a', '--no-trunc', '--format', '{{.Names}} {{.ID}} {{.State}} {{.Image}}'),
    images: await lines('images', '-a', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}'),
    volumes: await lines('volume', 'ls', '--format', '{{.Name}} {{.Driver}}'),
    networks: await lines('network', 'ls', '--no-trunc', '--format', '{{.Name}} {{.ID}} {{.Driver}}'),
  }
}

/** Runs the docker command against the host; rejects with what it said when it fails. */
export async function docker(host: LabHost, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await host.docker(args)
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

export async function inspect(host: LabHost, container: string): Promise<ContainerInspect> {
  const [found] = JSON.parse(await docker(host, 'inspect', '--type', 'container', container)) as ContainerInspect[]
  return found!
}

export const at = (host: LabHost): string => `unix://${host.socket}`
