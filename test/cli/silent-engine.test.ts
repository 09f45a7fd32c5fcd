import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'

const program = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))

test('an engine that takes the connection and does not answer is waited for, not in silence, and Ctrl-C ends it', async () => {
  const server = createServer(socket => void socket.on('error', () => undefined)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  const child = spawn(process.execPath, [program, 'backup', 'web', '--host', address], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8')
  for await (const text of child.stderr as AsyncIterable<string>) {
    if (text.includes('has not answered yet')) child.kill('SIGINT')
    said += text
  }
  if (child.exitCode === null) await once(child, 'exit')
  server.close()
  expect(said).toContain(`the engine at "${address}" has not answered yet`)
  expect(child.exitCode).toBe(130)
}, 60_000)
