import '../../one-realm.ts'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { DrayError } from '../../../src/errors/dray-error.ts'
import { exitCodes } from '../../../src/errors/exit-codes.ts'
import { thisProcess } from '../../../src/files/owner.ts'
import { labelsOf } from '../../../src/mounts/temporary-objects.ts'
import { cleanBeforehand, cleanDeadRuns, forgetRun, type CleanRequest } from '../../../src/workflows/clean.ts'
import { readRecords, writeRecord, type RunRecord } from '../../../src/workflows/run-records.ts'
import { run } from '../../lab/command.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'

const program = fileURLToPath(new URL('killed-run.js', import.meta.url))
const dray = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))
let host: LabHost
let engine: Engine
let address: string
let state: string
let folder: string

beforeAll(async () => {
  host = await startHost({ engine: '20.10' })
  address = `unix://${host.socket}`
  engine = await connectEngine({ host: address, env: process.env })
  await busyboxImage(host, 'box:1', { cmd: ['sleep', '1000'] })
}, 120_000)

afterAll(async () => {
  await engine.close()
  await host[Symbol.asyncDispose]()
}, 60_000)

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'dray-clean-'))
  folder = join(state, 'drayage/journal')
  await docker('run', '-d', '--name', 'web', '--stop-signal', 'KILL', 'box:1')
})

afterEach(async () => {
  for (const { Id } of await engine.containers.list()) await engine.containers.remove(Id, { force: true, volumes: true })
  for (const { Name } of await engine.volumes.list()) await engine.volumes.remove(Name)
  await rm(state, { recursive: true })
})

async function docker(...args: string[]): Promise<void> {
  const { exitCode, stderr } = await host.docker(args)
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
}

const status = async (name = 'web'): Promise<string> => (await engine.containers.inspect(name)).State.Status
const journals = async (): Promise<string[]> => (await readdir(folder)).filter(name => name.endsWith('.ndjson'))

async function runningRun(id: string, what: string, name = 'web'): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, folder, id, address, what, name], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

async function writeMigration(id: string): Promise<RunRecord> {
  const here = { address, id: engine.facts.id }
  const record = { format: 1, kind: 'migration', run: id, command: 'dray migrate web', at: new Date().toISOString(), source: here, target: here, containers: [], mounts: [], made: [], images: [], sourceRemoved: false } as const
  await writeRecord(folder, record)
  return record
}

async function killedRun(id: string, what: string, name?: string): Promise<void> {
  const child = await runningRun(id, what, name)
  child.kill('SIGKILL')
  await once(child, 'close')
}

const cli = (...args: string[]) => run(process.execPath, [dray, ...args], { env: { PATH: process.env['PATH'], HOME: state, XDG_STATE_HOME: state, DOCKER_HOST: address } })

const request = (more: Partial<CleanRequest> = {}): CleanRequest => ({
  folder, connect: () => Promise.resolve(engine), restoreData: () => Promise.reject(new DrayError('conflict', 'no data')), signal: new AbortController().signal, command: 'dray clean', ...more,
})

describe('dray clean', () => {
  test('gives a container back that a killed run had paused; --dry-run only lists it', async () => {
    await killedRun('run-1', 'pause')
    expect(await status()).toBe('paused')
    const listing = await cli('clean', '--dry-run')
    expect(listing).toMatchObject({ exitCode: 0, stdout: `would put right: container "web" was paused and is to run again (left by "dray backup web" on "${address}", run run-1)\n` })
    expect(await status()).toBe('paused')
    expect(await cli('clean')).toEqual({ exitCode: 0, stdout: 'unpaused the container "web" that a killed run had paused\n', stderr: '' })
    expect(await status()).toBe('running')
    expect(await journals()).toEqual([])
    expect(await cli('clean')).toEqual({ exitCode: 0, stdout: 'nothing is left of earlier runs\n', stderr: '' })
  }, 30_000)

  test('starts what was stopped, removes what was made, and says all that as JSON', async () => {
    await killedRun('run-1', 'stop')
    await killedRun('run-2', 'volume', 'half-made')
    const { exitCode, stdout } = await cli('clean', '--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({ event: 'result', ok: true, exitCode: 0, settled: ['removed the volume "half-made" that a killed run had created', 'started the container "web" that a killed run had stopped'], left: [], foreign: [] })
    expect(await status()).toBe('running')
    expect(await engine.volumes.list()).toEqual([])
  }, 30_000)

  test('takes the record of a migration that was killed before its copy was kept away: its undo would reach for what is made later', async () => {
    const record = await writeMigration('run-1')
    await killedRun('run-1', 'volume', 'half-made')
    expect(await cli('clean')).toMatchObject({ exitCode: 0, stdout: 'removed the volume "half-made" that a killed run had created\n' })
    expect(await readRecords(folder)).toEqual([])
    expect(await cli('migrate', '--undo', 'run-1', '--yes')).toMatchObject({ exitCode: exitCodes['not-found'] })
    await writeRecord(folder, record)
    await killedRun('run-1', 'retire')
    expect(await cli('clean')).toMatchObject({ exitCode: 0 })
    expect(await readRecords(folder)).toEqual([record])
  }, 30_000)

  test('does not put replaced data back under what a container may have written since', async () => {
    await docker('run', '-d', '--name', 'writer', '-v', 'data:/data', '--stop-signal', 'KILL', 'box:1')
    await killedRun('run-1', 'replace', 'data')
    await docker('restart', 'writer')
    await docker('stop', 'writer')
    const restored: string[] = []
    const clean = () => cleanDeadRuns(request({ restoreData: entry => Promise.resolve(void restored.push(entry.did)) }))
    expect(await clean()).toMatchObject({ settled: [], left: [{ run: 'run-1', problem: expect.stringContaining('container "writer" was started with volume "data" since then') }] })
    expect(restored).toEqual([])
    await docker('rm', 'writer')
    expect(await clean()).toMatchObject({ settled: [expect.stringContaining('"data"')], left: [] })
    expect(restored).toEqual(['replaced volume data'])
  }, 30_000)

  test('a restore that was killed before its commit is spared once its container has run, and is not taken back by undo', async () => {
    await docker('create', '--name', 'restored', 'box:1')
    await writeRecord(folder, { format: 1, kind: 'restore', run: 'run-1', command: 'dray restore', at: new Date().toISOString(), engine: { address, id: engine.facts.id }, made: [], containers: [], kept: [], replaced: [], repository: '/nowhere', backups: [] })
    await killedRun('run-1', 'container', 'restored')
    await docker('stop', '-t', '0', 'restored')
    expect(await cli('undo', 'run-1', '--yes')).toMatchObject({ exitCode: exitCodes.conflict, stderr: expect.stringContaining('run "run-1" has not ended') })
    expect(await status('restored')).toBe('exited')
    expect(await cli('clean')).toMatchObject({ exitCode: 0 })
    expect((await engine.containers.list()).map(({ Names }) => Names)).toEqual([['/web']])
  }, 30_000)

  describe('when the container of a killed restore has run for long since', () => {
    async function longAgo(what: string): Promise<void> {
      await docker('create', '--name', 'restored', '-v', 'data:/data', 'box:1')
      await killedRun('run-1', what, 'restored')
      await docker('exec', 'restored', 'sh', '-c', 'echo order > /data/order')
      const path = join(folder, 'run-1.ndjson')
      await writeFile(path, (await readFile(path, 'utf8')).replaceAll(/"at":"[^"]*"/g, `"at":"${new Date(Date.now() - 1_800_000).toISOString()}"`))
    }

    const expectLeft = async (): Promise<void> => {
      const { exitCode, stdout } = await cli('clean')
      expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: expect.stringMatching(/^left: what "dray backup restored" made: its container "restored" has run for longer than a start takes, .*: if it is wanted: dray clean --forget run-1; if not: dray clean --undo run-1 \(run run-1\)\n$/) })
      expect(await journals()).toEqual(['run-1.ndjson'])
    }

    test('it is left, also when it has stopped, until somebody says that it is not wanted', async () => {
      await longAgo('container')
      await expectLeft()
      await docker('exec', 'restored', 'cat', '/data/order')
      await docker('stop', '-t', '0', 'restored')
      await expectLeft()
      expect(await cli('clean', '--undo', 'run-1')).toMatchObject({ exitCode: exitCodes.usage, stderr: expect.stringContaining('--yes') })
      expect(await cli('clean', '--undo', 'run-2', '--yes')).toMatchObject({ exitCode: exitCodes['not-found'] })
      await expectLeft()
      expect(await cli('clean', '--undo', 'run-1', '--yes')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^removed the container .*\n$/) })
      expect((await engine.containers.list()).map(({ Names }) => Names)).toEqual([['/web']])
      expect(await journals()).toEqual([])
    }, 30_000)

    test('it is removed when the run was not killed, but ended and could not take it back, because the host was away', async () => {
      await longAgo('given up')
      expect(await cli('clean')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^removed the container .*\n$/) })
      expect(await journals()).toEqual([])
    }, 30_000)

    test('an engine that was away in between changes nothing of that', async () => {
      await longAgo('container')
      const path = join(folder, 'run-1.ndjson')
      const text = await readFile(path, 'utf8')
      await writeFile(path, text.replaceAll(host.socket, '/nowhere/docker.sock'))
      expect(await cli('clean')).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('/nowhere/docker.sock') })
      await writeFile(path, (await readFile(path, 'utf8')).replaceAll('/nowhere/docker.sock', host.socket))
      await expectLeft()
    }, 30_000)

    test('it is the user\'s once it is said to be wanted', async () => {
      await longAgo('container')
      expect(await cli('clean', '--forget', 'run-1')).toMatchObject({ exitCode: 0 })
      expect(await cli('clean')).toMatchObject({ exitCode: 0, stdout: 'nothing is left of earlier runs\n' })
      await docker('exec', 'restored', 'cat', '/data/order')
    }, 30_000)
  })

  test('leaves alone what a living run does', async () => {
    const living = await runningRun('run-1', 'pause')
    try {
      expect(await cli('clean')).toMatchObject({ exitCode: 0, stdout: 'nothing is left of earlier runs\n' })
      expect(await status()).toBe('paused')
      expect(await cli('clean', '--forget', 'run-1')).toMatchObject({ exitCode: 12, stderr: expect.stringContaining('is still at work') })
    } finally {
      living.kill('SIGKILL')
      await once(living, 'close')
    }
  }, 30_000)

  test('a run of another machine, of which nothing shows whether it lives: told once it is old, and put right on the user\'s word', async () => {
    await killedRun('run-1', 'pause')
    const path = join(folder, 'run-1.ndjson')
    const rewrite = async (from: RegExp, to: string): Promise<void> => writeFile(path, (await readFile(path, 'utf8')).replace(from, to))
    await rewrite(/"host":"[^"]*"/, '"host":"elsewhere"')
    expect(await cli('backup', 'web', '-q')).toMatchObject({ stderr: '' })
    expect(await cli('clean')).toMatchObject({ exitCode: 3, stdout: expect.stringMatching(/^left: container "web" was paused and is to run again: .*"dray backup web" on host "elsewhere".*: if it has ended: dray clean --undo run-1 \(run run-1\)\n$/) })
    await rewrite(/"since":"[^"]*"/, '"since":"2026-01-02T03:04:05.000Z"')
    expect(await cli('backup', 'web', '-q')).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('warning: left by an earlier run: container "web" was paused and is to run again: ') })
    expect(await status()).toBe('paused')
    expect(await cli('clean', '--undo', 'run-1', '--yes')).toMatchObject({ exitCode: 0, stdout: 'unpaused the container "web" that a killed run had paused\n' })
    expect(await status()).toBe('running')
    expect(await cli('clean')).toMatchObject({ exitCode: 0, stdout: 'nothing is left of earlier runs\n' })
  }, 30_000)

  test('with an engine that is gone: exit 3, the reason, the journal stays; --forget drops it', async () => {
    await killedRun('run-1', 'pause')
    const path = join(folder, 'run-1.ndjson')
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll(host.socket, '/nowhere/docker.sock'))
    const { exitCode, stdout } = await cli('clean')
    expect(exitCode).toBe(3)
    expect(stdout).toMatch(/^left: container "web" was paused and is to run again: .*\/nowhere\/docker.sock.* \(run run-1\)\n$/)
    expect(await journals()).toEqual(['run-1.ndjson'])
    expect(await cli('clean', '--forget', 'run-1')).toMatchObject({ exitCode: 0, stdout: 'forgotten: container "web" was paused and is to run again\n' })
    expect(await journals()).toEqual([])
    expect(await status()).toBe('paused')
    expect(await cli('clean', '--forget', 'run-1')).toMatchObject({ exitCode: 11 })
  }, 30_000)

  test('two at once: both succeed, one of them does it', async () => {
    await killedRun('run-1', 'pause')
    await killedRun('run-2', 'volume', 'half-made')
    const both = await Promise.all([cli('clean'), cli('clean')])
    expect(both.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual([{ exitCode: 0, stderr: '' }, { exitCode: 0, stderr: '' }])
    const lines = both.flatMap(({ stdout }) => stdout.trim().split('\n'))
    expect(lines.filter(line => line.includes('a killed run')).sort()).toEqual(['removed the volume "half-made" that a killed run had created', 'unpaused the container "web" that a killed run had paused'])
    expect(await status()).toBe('running')
    expect(await journals()).toEqual([])
  }, 30_000)
})

describe('things for the moment that no journal names', () => {
  const flags = (labels: Record<string, string>): string[] => Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`])

  /** A container, an image and a volume of a run. */
  async function make(run: string, labels: Record<string, string>): Promise<void> {
    await docker('create', '--name', `drayage-${run}-helper`, ...flags(labels), 'box:1')
    await docker('volume', 'create', ...flags(labels), `drayage-${run}-volume`)
    await engine.images.importRootfs(Readable.from([Buffer.alloc(1024)]), { repo: 'drayage-scratch', tag: `drayage-${run}-image`, changes: Object.entries(labels).map(([name, value]) => `LABEL ${name}=${value}`) })
  }
  const remaining = async () => ({
    containers: (await engine.containers.list()).map(({ Names }) => Names[0]).filter(name => name !== '/web').sort(),
    volumes: (await engine.volumes.list()).map(({ Name }) => Name).sort(),
    images: (await engine.images.list()).flatMap(({ RepoTags }) => RepoTags ?? []).filter(name => name !== 'box:1').sort(),
  })
  const all = (...runs: string[]) => ({ containers: runs.map(run => `/drayage-${run}-helper`), volumes: runs.map(run => `drayage-${run}-volume`), images: runs.map(run => `drayage-scratch:drayage-${run}-image`) })

  afterEach(async () => {
    for (const name of (await remaining()).images) await engine.images.remove(name)
  })

  test('are removed when their run is dead; those of a living run stay, those of another machine are named', async () => {
    const dead = { ...thisProcess(), startTime: '1' }
    await make('dead', labelsOf('dead', dead))
    await make('alive', labelsOf('alive'))
    await make('far', labelsOf('far', { ...dead, host: 'far', machine: 'other' }))
    await make('old', { 'dev.drayage.run': 'old', 'dev.drayage.temporary': 'true' })
    expect(await cli('clean', '--dry-run')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('would put right: container "drayage-dead-helper" (made by a killed run, run dead)\n') })
    expect(await cli('doctor')).toMatchObject({ exitCode: 3, stdout: expect.stringMatching(/^BAD {2}earlier runs: container "drayage-dead-helper"; .*\n {5}hint: put it right with: dray clean$/m) })
    expect(await remaining()).toEqual(all('alive', 'dead', 'far', 'old'))
    const { exitCode, stdout } = await cli('clean')
    expect({ exitCode, lines: stdout.trim().split('\n').map(line => line.replace(/: if that is.*/, '')) }).toEqual({ exitCode: 0, lines: expect.arrayContaining([
      'removed the container "drayage-dead-helper" that a killed run had made', 'removed the image "drayage-scratch:drayage-dead-image" that a killed run had made', 'removed the volume "drayage-dead-volume" that a killed run had made',
      'not touched: container "drayage-far-helper" of run far on host "far" (process ' + `${process.pid})`, 'not touched: volume "drayage-old-volume" of run old, which does not say where it is',
    ]) })
    expect(stdout).not.toContain('alive')
    expect(await remaining()).toEqual(all('alive', 'far', 'old'))
  }, 60_000)

  test('an engine that is named has to answer, the default one need not', async () => {
    await killedRun('run-1', 'pause')
    expect(await cli('clean', '-H', 'unix:///nowhere.sock')).toMatchObject({ exitCode: 10 })
    expect(await status()).toBe('paused')
    const { exitCode, stdout, stderr } = await run(process.execPath, [dray, 'clean'], { env: { PATH: process.env['PATH'], HOME: state, XDG_STATE_HOME: state, DOCKER_HOST: 'unix:///nowhere.sock' } })
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: 'unpaused the container "web" that a killed run had paused\n', stderr: expect.stringContaining('was not looked for: ') })
  }, 30_000)
})

describe('cleanDeadRuns', () => {
  test('another engine at the address is not touched', async () => {
    await killedRun('run-1', 'pause')
    const other = { ...engine, facts: { ...engine.facts, id: 'ANOTHER' } }
    expect(await cleanDeadRuns(request({ connect: () => Promise.resolve(other) }))).toMatchObject({ settled: [], left: [{ run: 'run-1', problem: `another engine answers at "${address}" than then` }] })
    expect(await status()).toBe('paused')
    expect(await journals()).toEqual(['run-1.ndjson'])
  }, 30_000)

  test('what could be put right is not tried again when something else is left', async () => {
    await killedRun('run-1', 'pause')
    const path = join(folder, 'run-1.ndjson')
    const entry = { id: 9, did: 'replaced path', path: '/srv/x', engine: address, engineId: engine.facts.id, at: new Date().toISOString() }
    await appendFile(path, `${JSON.stringify({ entry })}\n`)
    expect(await cleanDeadRuns(request())).toMatchObject({ settled: [expect.stringContaining('web')], left: [{ problem: 'no data' }] })
    expect(await status()).toBe('running')
    expect(await cleanDeadRuns(request())).toMatchObject({ settled: [], left: [{ problem: 'no data' }] })
    expect(await cleanDeadRuns(request({ restoreData: () => Promise.resolve() }))).toMatchObject({ settled: [expect.stringContaining('/srv/x')], left: [] })
    expect(await journals()).toEqual([])
  }, 30_000)

  test('of a damaged journal only what removes nothing is put right, and the file is named', async () => {
    await killedRun('run-1', 'pause')
    await engine.volumes.create({ Name: 'precious' })
    const path = join(folder, 'run-1.ndjson')
    const entry = { id: 9, did: 'created volume', volume: 'precious', engine: address, engineId: engine.facts.id, at: new Date().toISOString() }
    await appendFile(path, `${JSON.stringify({ entry })}\n{"settl\u0000d":[9]}\n{"settled":[]}\n`)
    const { settled, left } = await cleanDeadRuns(request())
    expect(settled).toEqual(['unpaused the container "web" that a killed run had paused'])
    expect(left).toEqual([
      { run: 'run-1', what: 'volume "precious" was created', problem: 'not touched, because the journal is damaged' },
      { run: 'run-1', what: `journal "${path}"`, problem: '1 of its lines cannot be read' },
    ])
    expect(await status()).toBe('running')
    await engine.volumes.inspect('precious')
    expect(await forgetRun(folder, 'run-1')).toEqual(['volume "precious" was created'])
    expect(await journals()).toEqual([])
  }, 30_000)

  test('before another command: says what it did and what it could not, and never fails', async () => {
    await killedRun('run-1', 'pause')
    const said: string[] = []
    const say = (kind: string) => (text: string): void => void said.push(`${kind}: ${text}`)
    const reporter = { note: say('note'), warn: say('warn'), transfer: () => ({ add: () => undefined, expect: () => undefined, end: () => undefined }), stepStarted: () => undefined, stepEnded: () => undefined, compensated: () => undefined }
    await cleanBeforehand(request({ connect: () => Promise.reject(new DrayError('engine-unreachable', 'no engine')) }), reporter)
    await cleanBeforehand(request(), reporter)
    await cleanBeforehand(request(), reporter)
    await cleanBeforehand(request({ folder: fileURLToPath(import.meta.url) }), reporter)
    expect(said).toEqual([
      'warn: left by an earlier run: container "web" was paused and is to run again: no engine (see: dray clean)',
      'note: unpaused the container "web" that a killed run had paused',
      expect.stringMatching(/^warn: what earlier runs left could not be put right: /),
    ])
  }, 30_000)

  test('stops at a signal, and the journal is left', async () => {
    await killedRun('run-1', 'pause')
    const abort = new AbortController()
    const connect = (): Promise<Engine> => {
      abort.abort(new DrayError('interrupted', 'stopped'))
      return Promise.resolve(engine)
    }
    await killedRun('run-2', 'volume', 'half-made')
    await expect(cleanDeadRuns(request({ connect, signal: abort.signal }))).rejects.toMatchObject({ code: 'interrupted' })
    expect(await journals()).toContain('run-1.ndjson')
    expect(await status()).toBe('paused')
  }, 30_000)
})
