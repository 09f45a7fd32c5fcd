import '../../one-realm.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { databases } from '../../lab/databases.ts'
import { backupsOf, DrayCommand } from '../../lab/dray.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { debianImage } from '../../lab/images.ts'
import { waitUntil } from '../../lab/wait.ts'

let host: LabHost
let folder: string
let dray: DrayCommand

beforeAll(async () => {
  host = await startHost({ engine: '20.10' })
  folder = await mkdtemp(join(tmpdir(), 'drayage-databases-'))
  dray = new DrayCommand(host, folder)
}, 120_000)
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await host[Symbol.asyncDispose]()
}, 120_000)

async function docker(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await host.docker(args)
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ').slice(0, 300)}: ${stderr}`)
  return stdout.trim()
}

test.each(databases)('$name under load: a backup by default is sound when it is restored, and so is its dump', async ({ name, packages, serve, health, dump, restore, fill, load, counts }) => {
  await debianImage(host, `${name}:lab`, packages, { without: ['usr/share/doc/*', 'usr/share/man/*', 'usr/share/locale/*', 'usr/lib/*/libLLVM*', 'usr/lib/postgresql/*/lib/bitcode', 'usr/lib/llvm*', 'var/lib/postgresql/*/*', 'var/lib/mysql/*', 'var/lib/redis/*', 'var/lib/apt/lists/*', 'var/cache/apt/*'], cmd: ['sh', '-c', serve] })
  await docker('run', '--detach', '--name', name, '--volume', `${name}-data:/data`, '--health-cmd', health, '--health-interval', '1s', '--health-retries', '60', '--label', `dray.dump=${dump}`, '--label', `dray.restore=${restore}`, `${name}:lab`)
  const healthOf = (container: string): Promise<string> => docker('inspect', '--format', '{{.State.Health.Status}}', container)
  await waitUntil(async () => (await healthOf(name)) === 'healthy', `"${name}" to be healthy`, 120_000)
  const inside = (container: string, command: string): Promise<string> => docker('exec', container, 'sh', '-c', command)
  const count = async (container: string): Promise<number> => {
    const [one, other] = (await inside(container, counts)).split(/\s+/).map(Number)
    expect({ container, one }).toEqual({ container, one: other })
    return one ?? 0
  }
  await inside(name, fill)
  await docker('exec', '--detach', name, 'sh', '-c', load)
  await waitUntil(async () => (await count(name)) > 20_500, 'the load', 60_000)
  const before = await count(name)
  const run = await dray.must('backup', name)
  const after = await count(name)
  const [backup] = backupsOf(run)
  const { dumpBytes } = (run.result as { readonly backups: readonly { readonly containers: readonly { readonly dumpBytes: number }[] }[] }).backups[0]?.containers[0] ?? { dumpBytes: 0 }
  process.stderr.write(`${name}: ${before} to ${after} transactions; frozen for ${backup?.freeze.milliseconds ?? 0} ms; ${backup?.mounts[0]?.dataBytes ?? 0} bytes of data, ${dumpBytes} of the dump\n`)
  expect(backup).toMatchObject({ freeze: { way: 'pause', disturbed: false } })
  expect(after).toBeGreaterThan(before)

  for (const [copy, ...more] of [[`${name}-data-copy`], [`${name}-dump-copy`, '--replay-dump']] as const) {
    await dray.must('restore', 'latest', name, '--name', copy, '--map-volume', `${name}-data:${copy}`, ...more)
    await waitUntil(async () => (await healthOf(copy)) === 'healthy', `"${copy}" to be healthy`, 60_000)
    const kept = await count(copy)
    process.stderr.write(`${copy}: ${kept} transactions\n`)
    expect(kept).toBeGreaterThanOrEqual(before)
    expect(kept).toBeLessThanOrEqual(after)
    await docker('rm', '--force', copy)
  }
  expect(await docker('inspect', '--format', '{{.State.Status}}', name)).toBe('running')
  const still = await count(name)
  await waitUntil(async () => (await count(name)) > still, 'the load to go on')
  await docker('rm', '--force', name)
}, 400_000)
