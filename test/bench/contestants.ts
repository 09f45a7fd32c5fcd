import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from '../lab/command.ts'
import { diffSnapshots, snapshotTree } from '../trees/snapshot-tree.ts'
import type { BenchHost } from './bench-host.ts'
import { startEvenly } from './even-start.ts'
import type { NodeVersion } from './node-versions.ts'
import { runTimed, type Measured } from './timed-process.ts'

export type Rounds = {
  readonly first: Measured
  readonly second: Measured
  readonly restore: Measured
  readonly repositoryBytes: number
}

/** The same three things in turn, each measured. */
export type Contestant = {
  first(): Promise<Measured>
  repositoryBytes(): Promise<number>
  second(): Promise<Measured>
  restore(): Promise<Measured>
}

export type Reader = 'host' | 'helper'

const program = new URL('../../../bin/dray.js', import.meta.url).pathname

/** The command line of dray, on one version of node: backup, the same unchanged, restore under other names, checked. */
export async function drayOn(host: BenchHost, node: NodeVersion, reader: Reader, name: string): Promise<Contestant> {
  const folder = join(host.folder, name)
  const repository = join(folder, 'repo')
  await mkdir(folder)
  const env = { ...process.env, XDG_STATE_HOME: folder, XDG_DATA_HOME: folder, DOCKER_CONFIG: folder }
  const common = ['--reader', reader, '-H', `unix://${host.lab.socket}`, '-r', repository]
  const dray = async (read: string, ...args: readonly string[]) => {
    await startEvenly(read)
    return await runTimed(node.path, [program, ...args, ...common], { env })
  }
  return {
    first: () => dray(host.mountpoint, 'backup', host.container),
    repositoryBytes: () => sizeOf(repository),
    second: () => dray(host.mountpoint, 'backup', host.container),
    async restore() {
      const measured = await dray(repository, 'restore', 'latest', host.container, '--name', name, '--map-volume', `${host.volume}:${name}`, '--no-start')
      checkEqual(host, await host.makeVolume(name))
      return measured
    },
  }
}

/** Compressed as restic does it by default, in its newer format. */
export async function resticOn(host: BenchHost, name: string): Promise<Contestant> {
  const folder = join(host.folder, name)
  const repository = join(folder, 'repo')
  await mkdir(folder)
  const env = { ...process.env, RESTIC_PASSWORD: 'bench', XDG_CACHE_HOME: folder }
  const common = ['--quiet', '--repo', repository]
  const restic = async (read: string, ...args: readonly string[]) => {
    await startEvenly(read)
    return await runTimed('restic', [...common, ...args], { env })
  }
  await must('restic', [...common, 'init', '--repository-version', '2'], { env })
  return {
    first: () => restic(host.mountpoint, 'backup', host.mountpoint),
    repositoryBytes: () => sizeOf(repository),
    second: () => restic(host.mountpoint, 'backup', host.mountpoint),
    restore: () => restic(repository, 'restore', 'latest', '--target', join(folder, 'restored')),
  }
}

/** All of them do one thing after the other, so that what disturbs the machine for a while disturbs nobody alone. */
export async function measureInTurn(contestants: readonly Contestant[]): Promise<Rounds[]> {
  const measured = contestants.map(contestant => ({ contestant, rounds: {} as { -readonly [key in keyof Rounds]: Rounds[key] } }))
  for (const { contestant, rounds } of measured) {
    rounds.first = await contestant.first()
    rounds.repositoryBytes = await contestant.repositoryBytes()
  }
  for (const { contestant, rounds } of measured) rounds.second = await contestant.second()
  for (const { contestant, rounds } of measured) rounds.restore = await contestant.restore()
  return measured.map(({ rounds }) => rounds)
}

/** The manual way that the tutorials show. */
export async function measureTarGzip(host: BenchHost, name: string): Promise<Measured & { readonly bytes: number }> {
  const file = join(host.folder, `${name}.tar.gz`)
  const script = 'set -o pipefail; docker --host "$1" run --rm --volume "$2:/v:ro" "$3" tar c /v | gzip > "$4"'
  await startEvenly(host.mountpoint)
  const measured = await runTimed('bash', ['-c', script, 'bash', `unix://${host.lab.socket}`, host.volume, host.image, file], { env: { ...process.env, DOCKER_CONFIG: host.folder } })
  return { ...measured, bytes: await sizeOf(file) }
}

async function sizeOf(path: string): Promise<number> {
  return Number.parseInt(await must('du', ['--apparent-size', '--block-size=1', '--summarize', path]))
}

function checkEqual(host: BenchHost, restored: string): void {
  const differences = diffSnapshots(snapshotTree(host.mountpoint), snapshotTree(restored))
  if (differences.length > 0) throw new Error(`what was restored is not what was backed up: ${differences.slice(0, 5).join('; ')}`)
}
