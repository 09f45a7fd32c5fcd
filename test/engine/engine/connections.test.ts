import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile, cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectEngine } from '../../../src/engine/connect.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { expectEverythingWorks } from './verbs-contract.ts'

const limit = 120_000
const image = 'busybox:1'

describe('an engine is reached', () => {
  let host: LabHost
  let home: string
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'access-home-'))
    host = await startHost({ engine: '20.10', tls: true })
    await busyboxImage(host, image)
  }, limit)
  afterAll(async () => {
    await host[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  }, limit)
  const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], HOME: home, ...more })
  const works = async (options: Parameters<typeof connectEngine>[0], address: string): Promise<void> => {
    const engine = await connectEngine(options)
    try {
      expect(engine.address).toBe(address)
      expect([engine.facts.apiVersion, engine.facts.store, engine.facts.os]).toEqual(['1.41', 'graphdriver', 'linux'])
      await expectEverythingWorks(engine, image)
    } finally {
      await engine.close()
    }
  }

  test('by its socket', async () => {
    await works({ host: `unix://${host.socket}`, env: env() }, `unix://${host.socket}`)
  }, limit)

  test('by TCP with TLS', async () => {
    const address = `tcp://${host.address}:2376`
    await works({ env: env({ DOCKER_HOST: address, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: host.tls!.clientDir }) }, address)
  }, limit)

  test('by ssh, with a shell on its host', async () => {
    const engine = await connectEngine({ host: host.ssh.endpoint, env: env(host.ssh.env) })
    try {
      await expectEverythingWorks(engine, image)
      const { stdout, exitCode } = await engine.shell!.run(['printf', '%s|', 'a b', "it's", '$HOME', ''])
      expect([stdout.toString(), exitCode]).toEqual(["a b|it's|$HOME||", 0])
      expect((await engine.shell!.run(['hostname'])).stdout.toString().trim()).toBe(host.name)
    } finally {
      await engine.close()
    }
  }, limit)

  test('by ssh to a socket of another name', async () => {
    const engine = await connectEngine({ host: `${host.ssh.endpoint}${host.socket}`, env: env(host.ssh.env) })
    expect(engine.facts.name).toBe(host.name)
    await engine.close()
  }, limit)

  test('by a context with TLS files, named by -H, by DOCKER_CONTEXT or current', async () => {
    const id = createHash('sha256').update('lab').digest('hex')
    const folder = join(home, '.docker', 'contexts')
    await mkdir(join(folder, 'meta', id), { recursive: true })
    await writeFile(join(folder, 'meta', id, 'meta.json'), JSON.stringify({ Name: 'lab', Metadata: {}, Endpoints: { docker: { Host: host.tls!.endpoint, SkipTLSVerify: false } } }))
    await cp(host.tls!.clientDir, join(folder, 'tls', id, 'docker'), { recursive: true })
    await works({ host: 'lab', env: env() }, 'lab')
    await works({ env: env({ DOCKER_CONTEXT: 'lab' }) }, 'lab')
    await writeFile(join(home, '.docker', 'config.json'), JSON.stringify({ currentContext: 'lab' }))
    await works({ env: env() }, 'lab')
  }, limit)
})
