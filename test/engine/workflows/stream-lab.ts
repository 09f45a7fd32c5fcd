import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect } from '@jest/globals'
import { writeImageArchive } from '../../../src/archive/write-image-archive.ts'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { checkImageArchive } from '../../../src/integrity/check-image-file.ts'
import type { ImageReport } from '../../../src/integrity/image-report.ts'
import { startRun, type Run } from '../../../src/workflows/run.ts'
import type { LoadedImage } from '../../../src/workflows/steps/load-image.ts'
import type { StreamImageJob } from '../../../src/workflows/steps/stream-image.ts'
import { startHost, type HostOptions, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { checkingLoads } from '../../images/checked-loads.ts'
import { saveWhole, sha256, type SavedImage } from '../../images/saved-image.ts'

export const noiseBytes = 3 * 1024 * 1024

const never = new AbortController().signal

/** Two hosts, and a run between them. */
export class StreamLab implements AsyncDisposable {
  readonly sourceHost: LabHost
  readonly targetHost: LabHost
  readonly source: Engine
  readonly target: Engine
  readonly folder: string
  /** What the checker says of each image archive that was sent. */
  readonly sent: ImageReport[] = []
  private run: Run | undefined

  private constructor(sourceHost: LabHost, targetHost: LabHost, source: Engine, target: Engine, folder: string) {
    this.sourceHost = sourceHost
    this.targetHost = targetHost
    this.source = source
    this.target = target
    this.folder = folder
  }

  static async start(from: HostOptions, to: HostOptions): Promise<StreamLab> {
    const [sourceHost, targetHost] = [await startHost(from), await startHost(to)]
    await busyboxImage(sourceHost, 'base:1', { volumes: ['/data'], labels: { made: 'here' } })
    return new StreamLab(sourceHost, targetHost, await connect(sourceHost), await connect(targetHost), await mkdtemp(join(tmpdir(), 'drayage-stream-')))
  }

  /** The base, or another image, with one layer of noise on top. Its id. */
  async commit({ bytes = noiseBytes, on = 'base:1' } = {}): Promise<string> {
    const { id } = await this.source.containers.create({ Image: on }, {})
    await this.source.containers.putArchive(id, '/tmp', writeImageArchive([{ name: 'noise', size: bytes, body: randomBytes(bytes) }]))
    const image = await this.source.containers.commit({ container: id, author: 'somebody', changes: ['ENV A="b c"', 'CMD ["sha256sum","/tmp/noise"]', 'HEALTHCHECK --interval=7s CMD true'] })
    await this.source.containers.remove(id, { volumes: true })
    return image
  }

  async job(more: Partial<StreamImageJob> = {}): Promise<StreamImageJob & { moved(): number; expected(): number }> {
    const reporter = { note: () => undefined, warn: () => undefined, transfer: () => transfer, start: () => undefined, done: () => undefined, failed: () => undefined } as unknown as Run['reporter']
    this.run = await startRun({ journalFolder: join(this.folder, 'journal'), command: 'test', reporter, signal: never })
    const progress = { expected: 0, moved: 0 }
    const transfer = { add: (bytes: number) => void (progress.moved += bytes), expect: (bytes: number) => void (progress.expected = bytes), end: () => undefined }
    return { run: this.run, source: this.source, target: checkingLoads(this.target, this.sent), transfer, signal: never, moved: () => progress.moved, expected: () => progress.expected, ...more }
  }

  /** What the run left open in its journal. */
  async ended(): Promise<readonly unknown[]> {
    const { journal } = this.run ?? {}
    this.run = undefined
    return (await journal?.close()) ?? []
  }

  /** The user's part: the real name, then the temporary one goes. */
  async settle(loaded: LoadedImage, repo: string): Promise<void> {
    await this.target.images.tag(loaded.id, repo, '1')
    if (loaded.temporaryName !== undefined) await this.target.images.remove(loaded.temporaryName)
    if (loaded.journalEntry) await this.run?.journal.settle(loaded.journalEntry)
    expect(await this.ended()).toEqual([])
  }

  /** Runs there, and saves whole, with the config and the layers it had. */
  async expectWorks(name: string, saved: SavedImage): Promise<void> {
    const again = await saveWhole(this.target, name)
    expect(again.config).toEqual(saved.config)
    expect(again.layers.map(({ plain }) => sha256(plain))).toEqual(saved.layers.map(({ plain }) => sha256(plain)))
    const checked = await checkImageArchive(await this.target.images.save(name), { signal: never })
    expect({ verdict: checked.verdict, errors: checked.findings.filter(({ severity }) => severity === 'error') }).toEqual({ verdict: 'valid', errors: [] })
    const { exitCode, stdout } = await this.targetHost.docker(['run', '--rm', '--network', 'none', name])
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64} {2}\/tmp\/noise\n$/)])
  }

  async listed(engine: Engine = this.target): Promise<unknown[]> {
    return (await engine.images.list({ all: true })).map(({ Id, RepoTags }) => ({ Id, RepoTags })).sort((a, b) => (a.Id < b.Id ? -1 : 1))
  }

  async removeImages(): Promise<void> {
    for (const { Id } of await this.target.images.list({ all: true })) await this.target.images.remove(Id, { force: true, noprune: false })
    this.sent.length = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const engine of [this.source, this.target]) await engine.close()
    for (const host of [this.sourceHost, this.targetHost]) await host[Symbol.asyncDispose]()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** An engine at an address without a shell: tcp. */
export function shellless(engine: Engine): Engine {
  return { ...engine, shell: undefined }
}

export function cutAfter(engine: Engine, bytes: number, how: 'end' | 'fail'): Engine {
  const save: Engine['images']['save'] = async (ref, options) => Readable.from(cut(await engine.images.save(ref, options), bytes, how), { objectMode: false })
  return { ...engine, shell: undefined, images: { ...engine.images, save } }
}

async function* cut(source: Readable, bytes: number, how: 'end' | 'fail'): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const piece of source as AsyncIterable<Buffer>) {
    yield piece.subarray(0, left)
    left -= Math.min(left, piece.length)
    if (left > 0) continue
    if (how === 'end') return
    throw new Error('cut')
  }
}

export async function connect(host: LabHost): Promise<Engine> {
  return connectEngine({ host: `unix://${host.socket}`, env: process.env })
}
