import { expect } from '@jest/globals'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Engine } from '../../../src/engine/engine.ts'

export const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex')

export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces)
}

export function inPieces(data: Buffer, size = 65_536): Readable {
  return Readable.from((function* () {
    for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size)
  })(), { objectMode: false })
}

/** Twenty megabytes of any bytes go into a process and come back through both of its outputs, unchanged. */
export async function expectBinarySafety(engine: Engine, image: string): Promise<void> {
  const { id } = await engine.containers.create({ Image: image, Cmd: ['tee', '/dev/stderr'], OpenStdin: true, StdinOnce: true, AttachStdin: true, HostConfig: { LogConfig: { Type: 'none' } } }, {})
  try {
    const data = randomBytes(20 * 1024 * 1024)
    const streams = await engine.containers.attach(id, { stdin: true, stdout: true, stderr: true })
    await engine.containers.start(id)
    const [, stdout, stderr] = await Promise.all([pipeline(inPieces(data), streams.stdin), readAll(streams.stdout), readAll(streams.stderr)])
    expect([sha256(stdout), sha256(stderr)]).toEqual([sha256(data), sha256(data)])
    expect(await engine.containers.wait(id, 'not-running')).toBe(0)
  } finally {
    await engine.containers.remove(id, { force: true, volumes: true })
  }
}

/** What every way of connecting must do: plain calls, uploads, downloads, raw streams, in parallel. */
export async function expectEverythingWorks(engine: Engine, image: string): Promise<void> {
  const { id } = await engine.containers.create({ Image: image, Cmd: ['sleep', '1000'] }, { name: 'works' })
  try {
    await engine.containers.start(id)
    await engine.containers.start(id)
    const all = await Promise.all(Array.from({ length: 20 }, async () => engine.containers.inspect('works')))
    expect(new Set(all.map(each => each.Id))).toEqual(new Set([id]))
    const run = await engine.containers.exec(id, ['sh', '-c', 'echo out; echo err >&2; exit 3'])
    expect([run.exitCode, run.stdout.toString(), run.stderr.toString()]).toEqual([3, 'out\n', 'err\n'])
    const tar = await readAll(await engine.containers.getArchive(id, '/etc'))
    await engine.containers.putArchive(id, '/tmp', inPieces(tar, 1000))
    expect((await engine.containers.statArchive(id, '/tmp/etc/passwd')).name).toBe('passwd')
    const saved = await readAll(await engine.images.save(image))
    expect((await engine.images.load(inPieces(saved))).names).toEqual([image])
    expect((await readAll(await engine.containers.export(id))).length).toBeGreaterThan(1_000_000)
    await engine.containers.stop(id, { timeoutSeconds: 0 })
    await engine.containers.stop(id)
  } finally {
    await engine.containers.remove(id, { force: true })
    await engine.containers.remove(id)
  }
  await expectBinarySafety(engine, image)
}

/** Resolves when nothing but the test's own keeps the process alive. */
export async function expectNothingOpen(before: readonly string[]): Promise<void> {
  const left = (): string[] => {
    const rest = [...before]
    return process.getActiveResourcesInfo().filter(each => /TCP|Pipe|Process|TLS/.test(each)).filter(each => {
      const at = rest.indexOf(each)
      if (at >= 0) rest.splice(at, 1)
      return at < 0
    })
  }
  const until = performance.now() + 5000
  while (left().length > 0 && performance.now() < until) await once(AbortSignal.timeout(20), 'abort')
  expect(left()).toEqual([])
}
