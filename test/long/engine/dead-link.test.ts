import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { connectEngine } from '../../../src/engine/connect.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { readAll } from '../../engine/engine/verbs-contract.ts'

describe('an engine that falls silent', () => {
  let host: LabHost
  beforeAll(async () => {
    host = await startHost({ engine: '20.10', tcp: true })
    await busyboxImage(host, 'busybox:1')
  }, 120_000)
  afterAll(async () => host[Symbol.asyncDispose](), 120_000)

  test('a dead link is noticed by a stream that waits, within 30 seconds or little more', async () => {
    const engines = await Promise.all([host.ssh.endpoint, `tcp://${host.address}:2375`].map(async address => connectEngine({ host: address, env: { ...process.env, ...host.ssh.env } })))
    const bodies = await Promise.all(engines.map(async engine => {
      const { id } = await engine.containers.create({ Image: 'busybox:1', Cmd: ['sh', '-c', 'echo begun; sleep 1000'] }, {})
      const streams = await engine.containers.attach(id, { stdin: false, stdout: true, stderr: false })
      await engine.containers.start(id)
      await once(streams.stdout, 'readable')
      return streams.stdout
    }))
    await host.link('down')
    const start = performance.now()
    try {
      await Promise.all(bodies.map(async body => expect(readAll(body)).rejects.toMatchObject({ code: 'engine-unreachable' })))
      expect(performance.now() - start).toBeLessThan(40_000)
    } finally {
      await host.link('up')
      await Promise.all(engines.map(async engine => engine.close()))
    }
  }, 120_000)

  test('a short call to an engine that hangs ends after a minute', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'access-')), 'socket')
    let hangs = false
    const proxy = createServer(client => {
      const engineSide = connect(host.socket)
      const ended = (): void => undefined
      pipeline(client, async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) if (!hangs) yield chunk
      }, engineSide).catch(ended)
      pipeline(engineSide, client).catch(ended)
    }).listen(path)
    await once(proxy, 'listening')
    const engine = await connectEngine({ host: `unix://${path}`, env: process.env })
    hangs = true
    await expect(engine.containers.list()).rejects.toMatchObject({ code: 'engine-unreachable', message: `the engine at "unix://${path}" did not answer within 60 s while listing the containers` })
    await engine.close()
    proxy.close()
    await rm(dirname(path), { recursive: true, force: true })
  }, 120_000)
})
