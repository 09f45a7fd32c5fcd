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

export type Reader = 'host' | 'helper'

const program = new URL('../../../bin/dray.js', import.meta.url).pathname

/** The command line of dray, on one version of node: first backup, unchanged second one, restore under other names, checked. */
export async function measureDray(host: BenchHost, node: NodeVersion, reader: Reader, name: string): Promise<Rounds> {
  const folder = join(host.folder, name)
  const repository = join(folder, 'repo')
  await mkdir(folder)
  const env = { ...process.env, XDG_STATE_HOME: folder, XDG_DATA_HOME: folder, DOCKER_CONFIG: folder }
  const common = ['--reader', reader, '-H', `unix://${host.lab.socket}`, '-r', repository]
  const dray = (...args: readonly string[]) => runTimed(node.path, [program, ...args, ...common], { env })

  await startEvenly(host.mountpoint)
  const first = await dray('backup', host.container)
  const repositoryBytes = await sizeOf(repository)
  await startEvenly(host.mountpoint)
  const second = await dray('backup', host.container)
  await startEvenly(repository)
  const restore = await dray('restore', second.stdout.trim(), host.container, '--name', name, '--map-volume', `${host.volume}:${name}`, '--no-start')
  checkEqual(host, await host.makeVolume(name))
  return { first, second, restore, repositoryBytes }
}

/** Compressed as restic does it by default, in its newer format. */
export async function measureRestic(host: BenchHost, name: string): Promise<Rounds> {
  const folder = join(host.folder, name)
  const repository = join(folder, 'repo')
  await mkdir(folder)
  const env = { ...process.env, RESTIC_PASSWORD: 'bench', XDG_CACHE_HOME: folder }
  const restic = (...args: readonly string[]) => runTimed('restic', ['--quiet', '--repo', repository, ...args], { env })
  await restic('init', '--repository-version', '2')

  await startEvenly(host.mountpoint)
  const first = await restic('backup', host.mountpoint)
  const repositoryBytes = await sizeOf(repository)
  await startEvenly(host.mountpoint)
  const second = await restic('backup', host.mountpoint)
  await startEvenly(repository)
  const restore = await restic('restore', 'latest', '--target', join(folder, 'restored'))
  return { first, second, restore, repositoryBytes }
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
