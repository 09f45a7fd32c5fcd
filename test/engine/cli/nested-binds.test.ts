import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { at, docker, expectExit, inspect, inventory, type Dray } from './dray.ts'
import { useHost } from './use-host.ts'
import { destroy } from './whole-container.ts'

let host: LabHost
let dray: Dray
let folder: string

useHost(both => void ({ host, dray } = both), () => {
  folder = join(host.sharedDir, 'srv')
  fill(folder, '1')
  return Promise.resolve()
})

function fill(srv: string, text: string): void {
  mkdirSync(join(srv, 'n/sub'), { recursive: true })
  mkdirSync(join(srv, 'conf'), { recursive: true })
  for (const path of ['conf/app.ini', 'conf/other', 'n/a', 'n/sub/b']) writeFileSync(join(srv, path), `${path} ${text}\n`)
}

const bindsOf = (srv: string): string => `-v ${srv}/conf:/etc/shop -v ${srv}/conf/app.ini:/single:ro -v ${srv}/n:/n -v ${srv}/n/sub:/m`

async function runWeb(...options: string[]): Promise<void> {
  await host.sh(`docker run -d --name web --stop-signal KILL ${options.join(' ')} ${bindsOf(folder)} app:1 >/dev/null`)
}

async function loseAll(): Promise<void> {
  await destroy(host)
  rmSync(folder, { recursive: true, force: true })
}

/** As one restore, by a plan. */
async function restoreBoth(...names: string[]): Promise<void> {
  const plans: { containers: object[] }[] = []
  const file = join(dray.home, 'plan.yaml')
  for (const name of names) {
    expectExit(await dray('restore', 'latest', name, '--plan-out', file, '--yes'), 0)
    plans.push(parse(readFileSync(file, 'utf8')) as { containers: object[] })
  }
  writeFileSync(file, stringify({ ...plans[0], containers: plans.flatMap(({ containers }) => containers) }))
  expectExit(await dray('restore', '--plan', file), 0)
}

const seen = (on: LabHost, name: string, ...paths: string[]): Promise<string> => docker(on, 'exec', name, 'cat', ...paths)

describe('binds of which one lies in another', () => {
  test('are restored where the folder is gone: the inner one comes with the outer one', async () => {
    await runWeb()
    expectExit(await dray('backup', 'web'), 0)
    await loseAll()
    const { stdout } = expectExit(await dray.plain(['restore', 'latest', 'web', '--dry-run']), 0)
    expect(stdout).toContain(`"${folder}/conf/app.ini": it comes with "${folder}/conf"`)
    expect(stdout).toContain(`"${folder}/n/sub": it comes with "${folder}/n"`)
    const restored = expectExit(await dray.plain(['restore', 'latest', 'web']), 0)
    expect(restored.stderr).toContain(`"${folder}/n/sub": it comes with "${folder}/n"`)
    expect(await seen(host, 'web', '/single', '/etc/shop/app.ini', '/m/b', '/n/sub/b')).toBe('conf/app.ini 1\nconf/app.ini 1\nn/sub/b 1\nn/sub/b 1')
    expect((await inspect(host, 'web')).Mounts).toHaveLength(4)
  }, 60_000)

  test('are replaced together, and undo brings back what was there', async () => {
    await runWeb()
    expectExit(await dray('backup', 'web'), 0)
    fill(folder, '2')
    expectExit(await dray('restore', 'latest', 'web'), 12)
    const { restored: [report] } = expectExit(await dray('restore', 'latest', 'web', '--replace'), 0).result as unknown as { restored: { undo: string }[] }
    expect(await seen(host, 'web', '/single', '/m/b', '/n/a')).toBe('conf/app.ini 1\nn/sub/b 1\nn/a 1')
    expectExit(await dray(...report!.undo.split(' ').slice(1), '--yes'), 0)
    expect(await seen(host, 'web', '/single', '/m/b', '/n/a')).toBe('conf/app.ini 2\nn/sub/b 2\nn/a 2')
  }, 120_000)

  test('are as they were after a restore that fails', async () => {
    await runWeb('--health-cmd "grep -q 2 /m/b"', '--health-interval 300ms', '--health-retries 1')
    expectExit(await dray('backup', 'web'), 0)
    fill(folder, '2')
    expectExit(await dray('restore', 'latest', 'web', '--replace'), 40)
    expect(await seen(host, 'web', '/single', '/m/b', '/n/a')).toBe('conf/app.ini 2\nn/sub/b 2\nn/a 2')
    await loseAll()
    await busyboxImage(host, 'app:1', { cmd: ['sleep', '100000'] })
    const before = await inventory(host)
    expectExit(await dray('restore', 'latest', 'web'), 40)
    expect(existsSync(folder)).toBe(false)
    expect(await inventory(host)).toEqual(before)
  }, 120_000)

  test('of different containers: the inner one holds what is newest', async () => {
    await host.sh(`docker run -d --name outer --stop-signal KILL -v ${folder}/n:/n app:1 >/dev/null; docker run -d --name inner --stop-signal KILL -v ${folder}/n/sub:/m app:1 >/dev/null`)
    expectExit(await dray('backup', 'outer'), 0)
    renameSync(join(folder, 'n/sub/b'), join(folder, 'n/sub/later'))
    expectExit(await dray('backup', 'inner'), 0)
    const names = async (): Promise<string[]> => [await docker(host, 'exec', 'outer', 'ls', '/n/sub'), await docker(host, 'exec', 'inner', 'ls', '/m')]
    await loseAll()
    await restoreBoth('inner', 'outer')
    expect(await names()).toEqual(['later', 'later'])
    renameSync(join(folder, 'n/sub/later'), join(folder, 'n/sub/last'))
    expectExit(await dray('backup', 'outer'), 0)
    await loseAll()
    await restoreBoth('inner', 'outer')
    expect(await names()).toEqual(['last', 'last'])
  }, 120_000)

  test('are written each on its own where one is mapped elsewhere, and refused where they would overlap otherwise', async () => {
    await runWeb()
    expectExit(await dray('backup', 'web'), 0)
    await loseAll()
    const refused = expectExit(await dray.plain(['restore', 'latest', 'web', '--map-bind', `${folder}/n/sub:${folder}/n/other`]), 12)
    expect(refused.stderr).toContain(`"${folder}/n/other" would lie in "${folder}/n", where "${folder}/n/sub" was not`)
    expect(existsSync(folder)).toBe(false)
    expectExit(await dray('restore', 'latest', 'web', '--map-bind', `${folder}/n/sub:${folder}/m`), 0)
    expect([readFileSync(join(folder, 'm/b'), 'utf8'), readFileSync(join(folder, 'n/sub/b'), 'utf8')]).toEqual(['n/sub/b 1\n', 'n/sub/b 1\n'])
  }, 60_000)

  test('the inner one holds what is mounted inside the outer one, which a reader of that does not see', async () => {
    await host.sh(`mount -t tmpfs none ${folder}/n/sub; echo disk > ${folder}/n/sub/b`)
    await runWeb()
    expectExit(await dray('backup', 'web'), 0)
    await loseAll()
    expectExit(await dray('restore', 'latest', 'web'), 0)
    expect(await seen(host, 'web', '/m/b', '/n/a')).toBe('disk\nn/a 1')
  }, 60_000)
})

describe('moved to another host', () => {
  let two: LabHost
  beforeAll(async () => {
    two = await startHost({ engine: '20.10' })
  }, 60_000)
  afterAll(async () => two[Symbol.asyncDispose](), 60_000)

  test('the inner one comes with the outer one, and is sent by itself where it is a file system of its own', async () => {
    await host.sh(`mkdir ${folder}/n/disk; mount -t tmpfs none ${folder}/n/disk; echo disk > ${folder}/n/disk/file`)
    await runWeb(`-v ${folder}/n/disk:/disk`)
    const args = ['migrate', 'web', at(host), at(two), '--map-bind', `${host.sharedDir}:${two.sharedDir}`]
    const { stdout } = expectExit(await dray.plain([...args, '--dry-run']), 0)
    expect(stdout).toContain(`comes with "${two.sharedDir}/srv/n"`)
    expectExit(await dray(...args), 0)
    expect(await seen(two, 'web', '/single', '/m/b', '/n/a', '/disk/file')).toBe('conf/app.ini 1\nn/sub/b 1\nn/a 1\ndisk')
    expect((await inspect(two, 'web')).Mounts).toHaveLength(5)
    await destroy(two)
  }, 120_000)

  test('nothing is left of a migration that fails, and one that was done can be taken back', async () => {
    await runWeb()
    const args = ['migrate', 'web', at(host), at(two), '--map-bind', `${host.sharedDir}:${two.sharedDir}`]
    expectExit(await dray(...args, '--wait-for', 'false', '--health-timeout', '1'), 40)
    expect(existsSync(join(two.sharedDir, 'srv'))).toBe(false)
    const { run } = expectExit(await dray(...args), 0).result as unknown as { run: string }
    expectExit(await dray('migrate', '--undo', run, '--yes'), 0)
    expect(existsSync(join(two.sharedDir, 'srv'))).toBe(false)
    expect(await seen(host, 'web', '/single', '/m/b')).toBe('conf/app.ini 1\nn/sub/b 1')
    await destroy(two)
  }, 120_000)
})
