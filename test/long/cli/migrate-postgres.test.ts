import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectExit, installDray, type Dray } from '../../engine/cli/dray.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { Postgres } from '../../lab/postgres.ts'
import { waitUntil } from '../../lab/wait.ts'

let one: LabHost
let two: LabHost
let dray: Dray
let server: Postgres

beforeAll(async () => {
  [one, two] = await Promise.all([startHost({ engine: '20.10' }), startHost({ engine: '28.5' })])
  dray = await installDray(one.ssh.env)
  server = await Postgres.start(one, 'pg', 'pgdata')
  await server.query('postgres', 'create database bench')
  await server.run('pgbench', '--initialize', '--scale', '5', '--quiet', 'bench')
  await server.query('bench', 'create table counter (value bigint); insert into counter values (0)')
}, 300_000)

afterAll(async () => {
  await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
}, 60_000)

/** Each transaction adds the same to an account, a teller, a branch and the history. */
const sums = `select count(distinct total) from (
  select sum(abalance) from pgbench_accounts union all select sum(tbalance) from pgbench_tellers
  union all select sum(bbalance) from pgbench_branches union all select sum(delta) from pgbench_history) as each(total)`

test('a server that is written to until it stops is moved, and no transaction that it has answered for is lost', async () => {
  await server.startLoad('load', 'bench', 4)
  // counts one up after the other, and says each number when the server has said that it is committed
  await server.docker('run', '--detach', '--name', 'counter', '--network', 'database', 'postgres:lab', 'sh', '-c', 'while psql -h pg -U postgres -d bench -qtA -c "update counter set value = value + 1 returning value"; do :; done')
  await waitUntil(async () => Number(await server.query('bench', 'select value from counter')) > 100, 'the load')
  const { result } = expectExit(await dray('migrate', 'pg', one.ssh.endpoint, two.ssh.endpoint, '--wait-for', 'pg_isready --host /tmp'), 0)
  const { downtimeMilliseconds } = result as unknown as { readonly downtimeMilliseconds: number }
  const answered = Number((await server.docker('logs', 'counter')).split('\n').filter(line => /^\d+$/.test(line)).at(-1))
  const moved = new Postgres(two, 'pg')
  await moved.ready()
  const counted = Number(await moved.query('bench', 'select value from counter'))
  process.stderr.write(`postgres moved: ${downtimeMilliseconds} ms of downtime; ${answered} transactions answered for, ${counted} there\n`)
  expect(answered).toBeGreaterThan(100)
  // the last one may have been committed and its answer not have come through
  expect([answered, answered + 1]).toContain(counted)
  expect(await moved.query('bench', sums)).toBe('1')
  expect(await moved.run('pg_amcheck', '--all', '--install-missing', '--heapallindexed')).toBe('')
}, 300_000)
