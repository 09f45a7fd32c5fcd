import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { runHostCommand } from '../../../src/cli/host-command.ts'
import { writeMetrics } from '../../../src/cli/notify/metrics.ts'
import { notifyEnd, notifyStart } from '../../../src/cli/notify/notify.ts'
import type { RunSummary } from '../../../src/store/run-summaries.ts'
import type { Reporter } from '../../../src/workflows/reporter.ts'

const summary: RunSummary = {
  format: 1, run: '20261128-020000-aabbccdd', job: 'nightly', command: 'dray backup --job nightly', startedAt: '2026-11-28T02:00:00.000Z', endedAt: '2026-11-28T02:01:30.000Z', exitCode: 0,
  backups: [{ id: '20261128-020001-aabbcc', created: '2026-11-28T02:00:05.000Z', host: 'db"1', of: ['web'], entries: 12, dataBytes: 1000, storedBytes: 10, restMs: 250, incomplete: false }],
  failed: [], forgotten: [], freedBytes: 0, warnings: [],
}
const failure: RunSummary = { ...summary, run: '20261129-020000-aabbccdd', startedAt: '2026-11-29T02:00:00.000Z', endedAt: '2026-11-29T02:00:01.000Z', exitCode: 3, backups: [], failed: [{ what: 'web', code: 'not-found', message: 'there is no container "web"' }], warnings: ['w'] }

let folder: string
let server: Server
let answers: number[]
let calls: { line: string; type: string | undefined; body: string }[]
let warnings: string[]
const reporter = { warn: (text: string) => warnings.push(text) } as unknown as Reporter

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dray-notify-'))
  ;[answers, calls, warnings] = [[], [], []]
  server = createServer((request: IncomingMessage, response) => {
    let body = ''
    request.on('data', chunk => (body += String(chunk)))
    request.on('end', () => {
      calls.push({ line: `${request.method ?? ''} ${request.url ?? ''}`, type: request.headers['content-type'], body })
      response.writeHead(answers.shift() ?? 200).end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  rmSync(folder, { recursive: true })
  await new Promise(resolve => server.close(resolve))
})

const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const context = () => ({ reporter, job: 'nightly', env: { PATH: process.env['PATH'], XDG_STATE_HOME: folder } })

describe('a ping', () => {
  test('tells start, success and failure', async () => {
    const notify = { ping: `${address()}/uuid?x=1`, on: 'failure' } as const
    await notifyStart(notify, context())
    await notifyEnd(notify, summary, context())
    await notifyEnd(notify, failure, context())
    expect(calls.map(({ line }) => line)).toEqual(['GET /uuid/start?x=1', 'POST /uuid?x=1', 'POST /uuid/fail?x=1'])
    expect(calls[1]?.body).toBe('job nightly: done: 1 backup in 1 min 30 s\n20261128-020001-aabbcc: web on db"1: 12 entries, 1.0 KiB, 10 B new, at rest for 0.25 s')
    expect(calls[2]?.body).toContain('FAILED web: there is no container "web"\nwarning: w')
    expect(warnings).toEqual([])
  })

  test('is tried again after an error of the server, and is a warning without the address in the end', async () => {
    answers = [503, 200]
    await notifyEnd({ ping: `${address()}/secret`, on: 'always' }, summary, context())
    expect(calls).toHaveLength(2)
    answers = [404]
    await notifyEnd({ ping: `${address()}/secret`, on: 'always' }, summary, context())
    expect(calls).toHaveLength(3)
    expect(warnings).toEqual([expect.stringMatching(/^the ping was not sent: "127\.0\.0\.1:\d+" answered 404$/)])
  })
})

test('the webhook and the command are for failures alone, if so wished', async () => {
  const notify = { webhook: `${address()}/hook`, command: `cat > "${folder}/in"; echo "$DRAY_STATUS $DRAY_EXIT_CODE $DRAY_FAILED" > "${folder}/out"`, on: 'failure' } as const
  await notifyEnd(notify, summary, context())
  expect(calls).toEqual([])
  await notifyEnd(notify, failure, context())
  expect(calls).toEqual([{ line: 'POST /hook', type: 'application/json', body: JSON.stringify(failure) }])
  expect(JSON.parse(readFileSync(join(folder, 'in'), 'utf8'))).toEqual(failure)
  expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('incomplete 3 web\n')
  await notifyEnd({ ...notify, webhook: undefined, command: 'echo no; exit 7' }, failure, context())
  expect(warnings).toEqual(['the command was not run: "echo no; exit 7" ended with exit code 7: no'])
})

test('metrics keep the last success, and what other jobs say', async () => {
  const path = join(folder, 'dray.prom')
  const lock = join(folder, 'lock')
  await writeMetrics(path, 'nightly', summary, lock)
  await writeMetrics(path, 'o"t\\h\ner', { ...summary, backups: [] }, lock)
  await writeMetrics(path, 'nightly', failure, lock)
  const lines = readFileSync(path, 'utf8').split('\n')
  expect(statSync(path).mode & 0o777).toBe(0o644)
  expect(lines).toContain('dray_run_success_timestamp_seconds{job="nightly"} 1795831290')
  expect(lines).toContain('dray_run_exit_code{job="nightly"} 3')
  expect(lines).toContain('dray_run_failures{job="nightly"} 1')
  expect(lines).toContain('dray_run_exit_code{job="o\\"t\\\\h\\ner"} 0')
  expect(lines).toContain('dray_backup_timestamp_seconds{job="nightly",host="db\\"1",container="web"} 1795831205')
  expect(lines).toContain('dray_backup_data_bytes{job="nightly",host="db\\"1",container="web"} 1000')
  expect(lines.filter(line => line.startsWith('dray_run_exit_code'))).toHaveLength(2)
  expect(lines.filter(line => line.startsWith('# TYPE dray_run_exit_code'))).toEqual(['# TYPE dray_run_exit_code gauge'])
})

test('jobs that end at one time lose nothing of one another', async () => {
  const path = join(folder, 'dray.prom')
  const jobs = Array.from({ length: 8 }, (_, number) => `job-${number}`)
  await Promise.all(jobs.map(job => notifyEnd({ metrics: path, on: 'always' }, summary, { ...context(), job })))
  expect(warnings).toEqual([])
  expect(readFileSync(path, 'utf8').match(/^dray_run_exit_code\{job="job-\d"\} 0$/gm)).toHaveLength(8)
})

describe('a command on the host', () => {
  const options = { env: { PATH: process.env['PATH'] }, timeoutMs: 30_000, signal: new AbortController().signal }

  test('ends with all its children when its time is over', async () => {
    await expect(runHostCommand(`sleep 1000 & echo $! > "${folder}/pid"; wait`, { ...options, timeoutMs: 500 })).rejects.toThrow('did not end within 0.5 s')
    const pid = readFileSync(join(folder, 'pid'), 'utf8').trim()
    expect(commandOf(pid)).toBe('')
  })

  test('says the last it said when it fails', async () => {
    await expect(runHostCommand('for i in 1 2 3 4 5 6 7; do echo line $i; done; printf end >&2; exit 3', options)).rejects.toThrow('ended with exit code 3: line 4 / line 5 / line 6 / line 7 / end')
  })

  test('that does not read its input is well', async () => await runHostCommand('exec 0<&-; true', { ...options, input: 'x'.repeat(1_000_000) }))
})

/** Empty when the process is gone, or only waits for its parent to hear of its end. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
