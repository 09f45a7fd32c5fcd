import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { backupsOf, DrayCommand, type DrayRun } from '../../lab/dray.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { Postgres } from '../../lab/postgres.ts'
import { waitUntil } from '../../lab/wait.ts'

let host: LabHost
let folder: string
let dray: DrayCommand
let server: Postgres

beforeAll(async () => {
  host = await startHost({ engine: '20.10' })
  folder = await mkdtemp(join(tmpdir(), 'drayage-postgres-'))
  dray = new DrayCommand(host, folder)
  server = await Postgres.start(host, 'pg', 'pgdata')
  await server.query('postgres', 'create database bench')
  await server.run('pgbench', '--initialize', '--scale', '5', '--quiet', 'bench')
}, 300_000)

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await host[Symbol.asyncDispose]()
}, 60_000)

const transactions = async (of: Postgres): Promise<number> => Number(await of.query('bench', 'select count(*) from pgbench_history'))

/** Each transaction adds the same to an account, a teller, a branch and the history. */
const sums = `select count(distinct total) from (
  select sum(abalance) from pgbench_accounts union all select sum(tbalance) from pgbench_tellers
  union all select sum(bbalance) from pgbench_branches union all select sum(delta) from pgbench_history) as each(total)`

/** Bytes that the pass over the running container has read from the volume. */
function readWhileRunning({ events }: DrayRun): number {
  return Number(events.find(({ event, name, state }) => event === 'transfer' && name === 'pgdata' && state === 'done')?.['bytes'])
}

function show(what: string, run: DrayRun): void {
  const [backup] = backupsOf(run)
  const [mount] = backup?.mounts ?? []
  process.stderr.write(`postgres, ${what}: frozen for ${backup?.freeze.milliseconds} ms; ${mount?.dataBytes} bytes in ${mount?.entries} entries (${mount?.reader} reader), ${readWhileRunning(run)} bytes read while it ran, ${mount?.readBytes} at rest\n`)
}

test('a server under load is backed up, restored beside itself, recovers and is sound', async () => {
  await server.startLoad('load', 'bench', 4)
  await waitUntil(async () => (await transactions(server)) > 100, 'the load')
  const before = await transactions(server)
  const first = await dray.must('backup', 'pg')
  const after = await transactions(server)
  show('first backup', first)
  expect(backupsOf(first)[0]).toMatchObject({ freeze: { way: 'pause', disturbed: false }, mounts: [{ label: 'pgdata', reader: 'host' }] })

  await dray.must('restore', 'latest', 'pg', '--name', 'pg2', '--map-volume', 'pgdata:pgdata2')
  const restored = new Postgres(host, 'pg2')
  await restored.ready()
  expect(await restored.logs()).toMatch(/automatic recovery in progress[^]*redo done[^]*ready to accept connections/)
  const kept = await transactions(restored)
  expect(kept).toBeGreaterThanOrEqual(before)
  expect(kept).toBeLessThanOrEqual(after)
  expect(await restored.query('bench', sums)).toBe('1')
  expect(await restored.run('pg_amcheck', '--all', '--install-missing', '--heapallindexed')).toBe('')
  const roots = await Promise.all(['pgdata', 'pgdata2'].map(async volume => stat(await server.docker('volume', 'inspect', '--format', '{{.Mountpoint}}', volume))))
  expect(roots.map(({ mode }) => mode & 0o7777)).toEqual([0o700, 0o700])
  expect(roots[1]?.uid).toBe(roots[0]?.uid)
  expect(roots[1]?.uid).not.toBe(0)

  expect(await server.docker('inspect', '--format', '{{.State.Running}}', 'load')).toBe('true')
  expect(await server.logs('load')).not.toMatch(/abort|error|fatal/i)
  await waitUntil(async () => (await transactions(server)) > after, 'the load to go on')
}, 180_000)

test('the next backups read what has changed since, and no more', async () => {
  const underLoad = await dray.must('backup', 'pg')
  show('second backup, under load', underLoad)
  expect(readWhileRunning(underLoad)).toBeLessThan(backupsOf(underLoad)[0]?.mounts[0]?.dataBytes ?? 0)
  await server.docker('rm', '--force', 'load')
  await server.query('bench', 'checkpoint')
  show('third backup', await dray.must('backup', 'pg'))
  const atPeace = await dray.must('backup', 'pg')
  show('fourth backup, nothing done since', atPeace)
  expect(readWhileRunning(atPeace)).toBeLessThan((backupsOf(atPeace)[0]?.mounts[0]?.dataBytes ?? 0) / 4)
  expect(await server.query('bench', sums)).toBe('1')
}, 120_000)
