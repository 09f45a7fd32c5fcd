import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { Readable } from 'node:stream'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { expectBinarySafety, expectNothingOpen, inPieces, readAll } from './verbs-contract.ts'

const limit = 120_000
const image = 'busybox:1'
const open = (): string[] => process.getActiveResourcesInfo().filter(each => /TCP|Pipe|Process|TLS/.test(each))

describe.each(['unix', 'ssh'] as const)('streams of an engine reached by %s', kind => {
  let host: LabHost
  let engine: Engine
  const connect = async (): Promise<Engine> => connectEngine({ host: kind === 'unix' ? `unix://${host.socket}` : host.ssh.endpoint, env: { ...process.env, ...host.ssh.env } })
  beforeAll(async () => {
    host = await startHost({ engine: '20.10' })
    await busyboxImage(host, image)
    engine = await connect()
  }, limit)
  afterAll(async () => {
    await engine.close()
    await host[Symbol.asyncDispose]()
  }, limit)

  test('a truncated tar is not loaded, and its source is released', async () => {
    const saved = await readAll(await engine.images.save(image))
    const source = inPieces(saved.subarray(0, saved.length / 2))
    await expect(engine.images.load(source)).rejects.toMatchObject({ code: 'refused', message: expect.stringMatching(/^loading an image: .*unexpected EOF/) })
    expect(source.destroyed).toBe(true)
  }, limit)

  test('a refusal arrives with its words, and the source is destroyed unread', async () => {
    const source = Readable.from((function* () {
      for (;;) yield Buffer.alloc(65_536)
    })(), { objectMode: false })
    await expect(engine.containers.putArchive('nobody', '/', source)).rejects.toMatchObject({ code: 'not-found', message: 'writing to "/" of container "nobody": No such container: nobody' })
    expect(source.destroyed).toBe(true)
  }, limit)

  test('a failing source fails the upload with its own error', async () => {
    const failure = new Error('the disk is gone')
    const source = Readable.from((function* () {
      yield Buffer.alloc(1024)
      throw failure
    })(), { objectMode: false })
    await expect(engine.images.load(source)).rejects.toBe(failure)
  }, limit)

  test('an abort ends a download, an upload, an attached process and the events with the reason, and leaves nothing open', async () => {
    const before = open()
    const engine = await connect()
    const reason = new Error('enough')
    const { id } = await engine.containers.create({ Image: image, Cmd: ['cat', '/dev/zero'], HostConfig: { LogConfig: { Type: 'none' } } }, {})
    try {
      const download = new AbortController()
      const body = await engine.containers.export(id, { signal: download.signal })
      await once(body, 'readable')
      download.abort(reason)
      await expect(readAll(body)).rejects.toBe(reason)

      const upload = new AbortController()
      const endless = Readable.from((async function* () {
        yield Buffer.alloc(512)
        upload.abort(reason)
        await new Promise(() => undefined)
      })(), { objectMode: false })
      await expect(engine.images.load(endless, { signal: upload.signal })).rejects.toBe(reason)
      expect(endless.destroyed).toBe(true)

      const attached = new AbortController()
      const streams = await engine.containers.attach(id, { stdin: false, stdout: true, stderr: true }, { signal: attached.signal })
      await engine.containers.start(id)
      streams.stderr.on('error', () => undefined)
      await once(streams.stdout, 'data')
      attached.abort(reason)
      await expect(once(streams.stdout, 'close')).rejects.toBe(reason)

      const events = new AbortController()
      const seen: string[] = []
      const following = (async () => {
        for await (const event of engine.events({ type: ['container'] }, events.signal)) {
          seen.push(event.Action)
          events.abort()
        }
      })()
      while (seen.length === 0) {
        await engine.containers.kill(id).catch(() => undefined)
        await engine.containers.start(id)
      }
      await following
      expect(seen).toHaveLength(1)
    } finally {
      await engine.containers.remove(id, { force: true })
      await engine.close()
    }
    await expectNothingOpen(before)
  }, limit)

  test('one signal serves many calls without a warning', async () => {
    const warnings: string[] = []
    const warn = (warning: Error): void => void warnings.push(warning.message)
    process.on('warning', warn)
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 30 }, async () => engine.images.inspect(image, { signal })))
    process.off('warning', warn)
    expect(warnings).toEqual([])
  }, limit)

  test('twenty megabytes pass a process unchanged', async () => expectBinarySafety(engine, image), limit)

  test('an engine that is killed in the middle of its streams is unreachable', async () => {
    const other = await connect()
    const { id } = await other.containers.create({ Image: image, Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true }, {})
    const attached = await other.containers.attach(id, { stdin: true, stdout: true, stderr: true })
    await other.containers.start(id)
    attached.stdin.write('echo')
    await once(attached.stdout, 'data')
    const { id: big } = await other.containers.create({ Image: image, Cmd: ['true'] }, {})
    await other.containers.putArchive(big, '/', tarOf('big', randomBytes(8 * 1024 * 1024)))
    const body = await other.containers.export(big)
    await once(body, 'readable')
    const events = other.events({}, new AbortController().signal)[Symbol.asyncIterator]()
    const event = events.next()
    const uploads = new EventEmitter()
    const upload = other.images.load(Readable.from((async function* () {
      yield Buffer.alloc(512)
      uploads.emit('begun')
      await once(uploads, 'go on')
      for (;;) yield Buffer.alloc(1024 * 1024)
    })(), { objectMode: false }))
    await once(uploads, 'begun')
    const unreachable = expect.objectContaining({ code: 'engine-unreachable' })
    const outcomes = Promise.all([
      expect(readAll(attached.stdout)).rejects.toEqual(unreachable),
      expect(event).rejects.toEqual(unreachable),
      expect(upload).rejects.toEqual(unreachable),
    ])
    attached.stderr.on('error', () => undefined)
    await host.kill('dockerd')
    uploads.emit('go on')
    await outcomes
    await expect(readAll(body)).rejects.toEqual(unreachable)
    await expect(other.containers.list()).rejects.toEqual(unreachable)
    await other.close()
    await host.restartEngine()
    expect(await engine.containers.list()).toHaveLength(2)
  }, limit)
})

/** A tar of one file. */
function tarOf(name: string, content: Buffer): Readable {
  const header = Buffer.alloc(512)
  header.write(name)
  header.write('0000644\0' + '0000000\0' + '0000000\0' + content.length.toString(8).padStart(11, '0') + '\0' + '00000000000\0' + '        ' + '0', 100)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(sum.toString(8).padStart(6, '0') + '\0 ', 148)
  return inPieces(Buffer.concat([header, content, Buffer.alloc(1024)]))
}
