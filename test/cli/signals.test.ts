import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
const sockets: Socket[] = []
let home: string
let server: Server

/** Something that takes connections and never answers. */
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'dray-signals-'))
  server = createServer(socket => sockets.push(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  server.close()
  await once(server, 'close')
  await rm(home, { recursive: true })
})

/** Runs dray until it waits for the engine, then sends the signal. */
async function interrupted(signal: NodeJS.Signals, ...options: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { port } = server.address() as AddressInfo
  const connected = once(server, 'connection')
  const child = spawn(process.execPath, [dray, 'plan', 'web', '-H', `tcp://127.0.0.1:${port}`, ...options], { env: { PATH: process.env['PATH'], HOME: home }, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  await connected
  child.kill(signal)
  const [code] = await once(child, 'close') as [number | null]
  return { code, stdout, stderr }
}

test.each([
  ['SIGINT', 130, 'stopped, as asked with Ctrl-C (SIGINT)'], ['SIGTERM', 143, 'stopped, as another program asked (SIGTERM)'], ['SIGHUP', 143, 'stopped, because its terminal or connection has ended (SIGHUP)'],
] as const)('%s ends the run with %i and says so', async (signal, code, words) => {
  expect(await interrupted(signal)).toEqual({
    code, stdout: '', stderr: `dray: ${signal}: stopping and putting everything back (once more to stop at once)\ndray: error: ${words}\n`,
  })
})

test('with --json the result tells it', async () => {
  const { code, stdout } = await interrupted('SIGINT', '--json')
  expect(code).toBe(130)
  expect(JSON.parse(stdout)).toMatchObject({ event: 'result', ok: false, exitCode: 130, error: { code: 'interrupted' } })
})
