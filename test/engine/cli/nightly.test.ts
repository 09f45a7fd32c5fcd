import '../../one-realm.ts'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { DrayProcess, isStep } from '../../fault/cli/dray-process.ts'
import { World, type Inventory } from '../../fault/cli/world.ts'
import { run } from '../../lab/command.ts'
import { program } from '../../fault/cli/dray-process.ts'

let world: World
let before: Inventory
beforeAll(async () => {
  world = await World.start()
}, 120_000)
afterAll(async () => world[Symbol.asyncDispose](), 60_000)
beforeEach(async () => world.fresh(), 30_000)
afterEach(async () => {
  expect(await world.journals()).toEqual([])
  await world.removeAll()
}, 60_000)

async function make(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
  await world.docker('run', '-d', '--init', '--stop-timeout', '0', '--name', name, '-v', `${name}-data:/data`, ...Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]), 'box:1')
  await world.docker('exec', name, 'sh', '-c', 'for i in 1 2 3; do echo $i > /data/$i; done')
  before = await world.inventory()
}

const inContainer = (name: string, file: string): Promise<string> => world.docker('exec', name, 'cat', file)

describe('commands of the labels', () => {
  test('dray.pre and dray.dump run before the rest, dray.post after it; the dump is part of the backup', async () => {
    await make('db', { 'dray.pre': 'echo pre >> /log; echo by pre > /data/pre', 'dray.post': 'echo post >> /log', 'dray.dump': 'echo dump >> /log; for i in $(seq 200000); do echo "row $i"; done', 'dray.consistency': 'stop', 'dray.stop-timeout': '0' })
    const { exitCode, result, stderr } = await world.dray('backup', 'db')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(await inContainer('db', '/log')).toBe('pre\ndump\npost')
    expect(await world.inventory()).toEqual(before)
    expect(result).toMatchObject({ backups: [{ freeze: { way: 'stop', wanted: 'stop' }, containers: [{ name: 'db', dumpBytes: 2_088_895 }], mounts: [{ entries: 5 }] }] })
    expect((await world.dray('verify', '--deep')).exitCode).toBe(0)
    await world.removeAll()
    expect(await world.dray('restore', 'latest', 'db')).toMatchObject({ exitCode: 0, result: { restored: [{ dump: { bytes: 2_088_895, isReplayed: false } }] } })
    expect(await inContainer('db', '/data/pre')).toBe('by pre')
  }, 90_000)

  test('dray.restore reads the dump when it is asked for; when it fails nothing is restored', async () => {
    await make('db', { 'dray.dump': 'for i in $(seq 300000); do echo "row $i"; done', 'dray.restore': 'test ! -e /data/full || { head -c 9 > /dev/null; echo disk full >&2; exit 5; }; cat > /data/replayed' })
    expect((await world.dray('backup', 'db')).exitCode).toBe(0)
    const dumped = await run(process.execPath, [program, 'cat', 'latest:db.dump/dump', '--container', 'db'], { env: { PATH: process.env['PATH'], ...world.env } })
    expect(dumped.stdout).toMatch(/^row 1\nrow 2\n[^]*row 300000\n$/)
    expect((await world.dray('ls', 'latest:db.dump', '--container', 'db')).events).toContainEqual(expect.objectContaining({ event: 'entry', path: 'dump', size: dumped.stdout.length }))
    await world.docker('exec', 'db', 'touch', '/data/full')
    expect((await world.dray('backup', 'db')).exitCode).toBe(0)
    await world.docker('rm', '-fv', 'db')
    await world.docker('volume', 'rm', 'db-data')
    const empty = await world.inventory()
    expect(await world.dray('restore', 'latest', 'db', '--replay-dump')).toMatchObject({ exitCode: 40, result: { error: { message: expect.stringContaining('dray.restore of container "db" ended with exit code 5: disk full') } } })
    expect({ ...await world.inventory(), images: [] }).toEqual({ ...empty, images: [] })
    const [first = ''] = await world.backups()
    expect(await world.dray('restore', first, 'db', '--replay-dump')).toMatchObject({ exitCode: 0, result: { restored: [{ dump: { isReplayed: true } }] } })
    expect(await world.docker('exec', 'db', 'sh', '-c', 'tail -1 /data/replayed; wc -c < /data/replayed')).toBe(`row 300000\n${dumped.stdout.length}`)
    await world.removeAll()
    expect(await world.dray('restore', first, 'db', '--replay-dump', '--no-start')).toMatchObject({ exitCode: 2 })
  }, 90_000)

  const failing = [
    ['pre', { 'dray.pre': 'echo broken >&2; exit 3', 'dray.post': 'echo post >> /log' }, 'dray.pre of container "pre" ended with exit code 3: broken', 'post'],
    ['post', { 'dray.post': 'test -e /tmp/again && echo post >> /log || { touch /tmp/again; exit 9; }' }, 'dray.post of container "post" ended with exit code 9', 'post'],
    ['dump', { 'dray.dump': 'echo half; exit 4', 'dray.post': 'echo post >> /log' }, 'dray.dump of container "dump" ended with exit code 4', 'post'],
    ['empty', { 'dray.dump': 'true' }, 'dray.dump of container "empty" wrote nothing', undefined],
    ['wrong', { 'dray.consistency': 'freeze' }, 'is none of pause, stop and none', undefined],
    ['unknown', { 'dray.pree': 'true' }, 'is not one that dray knows', undefined],
  ] as const

  test('that fail: no backup of those containers, of the others there is one', async () => {
    for (const [name, labels] of failing) await make(name, labels)
    await make('good', {})
    const { exitCode, result, events } = await world.dray('backup', '--all')
    expect({ exitCode, result }).toMatchObject({ exitCode: 3, result: { backups: [{ container: 'good' }] } })
    expect(await world.backups()).toHaveLength(1)
    expect(await world.inventory()).toEqual(before)
    for (const [name, , message, log] of failing) {
      expect(result?.['failed']).toEqual(expect.arrayContaining([expect.objectContaining({ container: name, error: expect.objectContaining({ message: expect.stringContaining(message) }) })]))
      expect(events.some(({ event, text }) => event === 'warning' && text?.includes(message))).toBe(true)
      if (log !== undefined) expect(await inContainer(name, '/log')).toBe(log)
    }
  }, 90_000)

  test('one that hangs is killed with its children when its time is over', async () => {
    await make('slow', { 'dray.pre': 'sleep 5000 & sleep 6000', 'dray.hook-timeout': '1' })
    const { exitCode, result } = await world.dray('backup', 'slow')
    expect({ exitCode, result }).toMatchObject({ exitCode: 30, result: { error: { message: expect.stringContaining('did not end within 1 s, and was killed') } } })
    expect(await world.docker('top', 'slow')).not.toContain('sleep 5000')
    expect(await world.docker('top', 'slow')).not.toContain('sleep 6000')
  }, 60_000)

  test('dray.post runs after a kill, by dray clean', async () => {
    await make('web', { 'dray.pre': 'touch /maintenance', 'dray.post': 'rm /maintenance' })
    const { child, ended } = new DrayProcess(['backup', 'web'], world.env, event => {
      if (isStep('read its mounts')(event)) child.kill('SIGKILL')
    })
    await ended
    expect(await inContainer('web', '/maintenance')).toBe('')
    expect((await world.dray('clean')).exitCode).toBe(0)
    await expect(inContainer('web', '/maintenance')).rejects.toThrow('No such file')
    expect(await world.inventory()).toEqual(before)
  }, 60_000)

  test('dray.exclude leaves a mount out, and plan shows what the labels say', async () => {
    await make('web', { 'dray.exclude': 'web-data', 'dray.pre': 'true', 'dray.consistency': 'none' })
    const { result } = await world.dray('plan', 'web')
    expect(result).toMatchObject({ plans: [{ mounts: [], hooks: ['dray.pre: true'], rest: expect.stringContaining('not'), leftOut: [{ destination: '/data' }] }] })
    expect((await world.dray('backup', 'web')).result).toMatchObject({ backups: [{ mounts: [], freeze: { way: 'none' } }] })
    expect((await world.dray('backup', 'web', '--consistency', 'pause')).result).toMatchObject({ backups: [{ freeze: { way: 'pause' } }] })
  }, 60_000)
})

test('what holds much less than the last time is loud: exit 3, and nothing is forgotten', async () => {
  await make('web', {})
  await world.docker('exec', 'web', 'sh', '-c', 'head -c 3000000 /dev/urandom > /data/big')
  expect((await world.dray('backup', 'web')).exitCode).toBe(0)
  await world.docker('exec', 'web', 'rm', '/data/big')
  const { exitCode, result } = await world.dray('backup', 'web', '--forget', '--keep-last', '1')
  expect({ exitCode, result }).toMatchObject({ exitCode: 3, result: { backups: [{ surprises: [expect.stringContaining('web-data holds much less')] }], forget: { forgotten: [] } } })
  expect(await world.backups()).toHaveLength(2)
}, 60_000)

test('a container that was made again without its volume, or with an empty one of another name, is as loud; one whose volume is left out on purpose is not', async () => {
  const again = async (...mounts: string[]): Promise<void> => {
    await world.docker('rm', '-f', 'web')
    await world.docker('run', '-d', '--init', '--stop-timeout', '0', '--name', 'web', ...mounts, 'box:1')
  }
  await make('web', {})
  await world.docker('exec', 'web', 'sh', '-c', 'head -c 3000000 /dev/urandom > /data/big')
  const backUp = async (): Promise<object> => {
    const { exitCode, result } = await world.dray('backup', 'web', '--forget', '--keep-last', '1')
    return { exitCode, surprises: (result?.['backups'] as { surprises: string[] }[])[0]?.surprises }
  }
  const well = { exitCode: 0, surprises: [] }
  expect(await backUp()).toEqual(well)
  await again('-v', 'web-data:/data', '--label', 'dray.exclude=web-data')
  expect(await backUp()).toEqual(well)
  await again('-v', 'web-data:/data')
  expect(await backUp()).toEqual(well)
  await again()
  const loud = { exitCode: 3, surprises: [expect.stringMatching(/^the mounts of "web" together hold much less than in backup \S+: 0 entries with 0 bytes instead of 5 with 3000006; not mounted any more: web-data$/)] }
  expect(await backUp()).toEqual(loud)
  expect(await world.backups()).toHaveLength(2)
  await again('-v', 'web-data:/data')
  expect(await backUp()).toEqual(well)
  await again('-v', '/data')
  expect(await backUp()).toEqual({ ...loud, surprises: [expect.stringMatching(/: 1 entry with 0 bytes instead of 5 with 3000006; not mounted any more: web-data$/)] })
}, 90_000)

describe('a job of the configuration', () => {
  let server: Server
  let calls: string[]
  beforeEach(async () => {
    calls = []
    server = createServer((request, response) => {
      calls.push(`${request.method ?? ''} ${request.url ?? ''}`)
      request.resume().on('end', () => response.end())
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(async () => {
    await new Promise(resolve => server.close(resolve))
  })

  const quiet = (...args: string[]) => run(process.execPath, [program, ...args], { env: { PATH: process.env['PATH'], ...world.env, DRAY_REPO: '' } })
  const repo = () => join(world.folder, 'by-config')

  async function configure(job: string): Promise<string> {
    const path = join(world.folder, 'config.yaml')
    await writeFile(path, `repository: ${repo()}-${world.repo.split('/').at(-2) ?? ''}\nnotify:\n  ping: http://127.0.0.1:${(server.address() as AddressInfo).port}/id\n  metrics: ${world.folder}/dray.prom\njobs:\n  nightly:\n${job}`)
    return path
  }

  test('backs up what it chooses, forgets, tells, and with -q says nothing', async () => {
    for (const name of ['web', 'db', 'tmp-1']) await make(name, {})
    const config = await configure(`    all: true\n    except: "tmp-*"\n    keep: { last: 1 }\n    before: ["echo before >> ${world.folder}/log"]\n    after: ["echo after $DRAY_JOB >> ${world.folder}/log"]\n`)
    for (let night = 0; night < 2; night++) expect(await quiet('backup', '--job', 'nightly', '--config', config, '-q')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })
    expect(calls).toEqual(['GET /id/start', 'POST /id', 'GET /id/start', 'POST /id'])
    expect(await readFile(join(world.folder, 'log'), 'utf8')).toBe('before\nafter nightly\nbefore\nafter nightly\n')
    const listed = JSON.parse((await quiet('list', '--config', config, '--json')).stdout) as { backups: { containers: string[] }[] }
    expect(listed.backups.map(({ containers }) => containers.join()).sort()).toEqual(['db', 'web'])
    const runs = JSON.parse((await quiet('list', '--runs', '--config', config, '--json')).stdout) as { runs: unknown[] }
    expect(runs.runs).toMatchObject([{ job: 'nightly', exitCode: 0, backups: [{ of: ['db'] }, { of: ['web'] }], failed: [], forgotten: [] }, { job: 'nightly', exitCode: 0, forgotten: [expect.any(String), expect.any(String)] }])
    expect((await quiet('list', '--runs', '--config', config)).stdout).toMatch(/^RUN +STARTED +TOOK +JOB +BACKUPS +NEW +FORGOT +RESULT\n\S+ .* nightly +2 .* ok\n\S+ .* nightly +2 .* 2 +ok\n$/)
    expect(await readFile(join(world.folder, 'dray.prom'), 'utf8')).toContain('dray_run_exit_code{job="nightly"} 0\n')
  }, 90_000)

  test('goes on with the other engines when one cannot be reached, and says so to all', async () => {
    await make('web', {})
    const config = await configure('    hosts: ["unix:///nowhere.sock", default]\n    containers: [web, nobody]\n')
    const answer = await quiet('backup', '--job', 'nightly', '--config', config, '-q')
    expect(answer).toMatchObject({ exitCode: 3, stdout: expect.stringMatching(/^\S+\n$/), stderr: expect.stringMatching(/host "unix:\/\/\/nowhere.sock" is not backed up.*\n.*container "nobody" is not backed up/) })
    expect(calls).toEqual(['GET /id/start', 'POST /id/fail'])
  }, 60_000)

  test('is explained by doctor, with all that is wrong with it', async () => {
    await make('web', {})
    const config = await configure('    hosts: ["unix:///nowhere.sock", default]\n    containers: [web, nobody, none]\n  good:\n    all: true\n    at: "02:30"\n')
    const { exitCode, stdout } = await quiet('doctor', '--config', config)
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: expect.stringMatching(/^BAD {2}job nightly: .*"unix:\/\/\/nowhere\.sock".*; there is no container "nobody" .*; there is no container "none" .*$/m) })
    expect(stdout).toMatch(/^ok {3}job good: runs every day at 02:30; 1 container in 1 backup of the default engine; into \S+by-config\S*; forgets nothing$/m)
  }, 60_000)

  test('that fails as a whole is told too, and is in the list of runs', async () => {
    const config = await configure('    containers: [web]\n    before: ["echo no disk; exit 1"]\n    after: ["true"]\n')
    expect(await quiet('backup', '--job', 'nightly', '--config', config)).toMatchObject({ exitCode: 30, stderr: expect.stringContaining('ended with exit code 1: no disk') })
    expect(calls).toEqual(['GET /id/start', 'POST /id/fail'])
    const { runs } = JSON.parse((await quiet('list', '--runs', '--config', config, '--json')).stdout) as { runs: unknown[] }
    expect(runs).toMatchObject([{ exitCode: 30, failed: [{ code: 'io-failed' }] }])
    expect(existsSync(join(world.folder, 'dray.prom'))).toBe(true)
  }, 60_000)

  test('of which nothing succeeds names each container in the list of runs', async () => {
    const config = await configure('    containers: [nobody, none]\n')
    expect(await quiet('backup', '--job', 'nightly', '--config', config)).toMatchObject({ exitCode: 11 })
    const { runs } = JSON.parse((await quiet('list', '--runs', '--config', config, '--json')).stdout) as { runs: unknown[] }
    expect(runs).toMatchObject([{ exitCode: 11, failed: [{ what: expect.stringContaining('nobody'), code: 'not-found' }, { what: expect.stringContaining('none'), code: 'not-found' }] }])
  }, 60_000)

  test.each([
    [['--job', 'nightli'], 11, 'did you mean "nightly"?'],
    [['--job', 'nightly', 'web'], 2, 'no other option may choose or forget'],
    [['--job', 'nightly', '--keep-last', '1', '--forget'], 2, 'no other option may choose or forget'],
  ])('%j: %d', async (args, exitCode, message) => {
    const config = await configure('    all: true\n')
    expect(await quiet('backup', '--config', config, ...args)).toMatchObject({ exitCode, stderr: expect.stringContaining(message) })
  }, 30_000)
})
