/**
 * `npm run demo`: on two private engines, a container with data is recorded and its volume stored in a repository, the
 * container and the volume are destroyed, and both come back on the second host. Every step is shown and proved.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectEngine } from '../../src/engine/connect.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { compareSpecs } from '../../src/engine/spec/compare-specs.ts'
import { toCreateRequest } from '../../src/engine/spec/create-request.ts'
import { recordContainer } from '../../src/engine/spec/record-container.ts'
import { noRemaps } from '../../src/engine/spec/remap-record.ts'
import { openMountReader, openMountWriter } from '../../src/mounts/open-mount.ts'
import { ChunkStore } from '../../src/store/chunk-store.ts'
import { openContent } from '../../src/store/content-reader.ts'
import { ContentWriter } from '../../src/store/content-writer.ts'
import { openRepository } from '../../src/store/repository.ts'
import { startHost } from '../lab/host.ts'
import { busyboxImage } from '../lab/images.ts'
import { beginRun, endRun } from '../lab/lab-run.ts'
import { makeOddTree } from '../trees/odd-tree.ts'
import { diffSnapshots, snapshotTree } from '../trees/snapshot-tree.ts'

const never = new AbortController().signal
const show = (line: string): void => console.log(`demo: ${line}`)

function prove(claim: string, differences: readonly unknown[]): void {
  if (differences.length > 0) throw new Error(`${claim}: ${JSON.stringify(differences.slice(0, 5))}`)
  show(`proved: ${claim}`)
}

async function volumeOf(engine: Engine, name: string): Promise<{ kind: 'volume'; name: string; mountpoint: string; driver: string }> {
  const { Mountpoint, Driver } = await engine.volumes.inspect(name)
  return { kind: 'volume', name, mountpoint: Mountpoint, driver: Driver }
}

async function demo(folder: string): Promise<void> {
  await using first = await startHost({ engine: '20.10', name: 'demo1' })
  await using second = await startHost({ engine: '20.10', name: 'demo2' })
  const source = await connectEngine({ host: `unix://${first.socket}`, env: process.env })
  const target = await connectEngine({ host: `unix://${second.socket}`, env: process.env })
  try {
    for (const host of [first, second]) await busyboxImage(host, 'demo:1', { cmd: ['sleep', '100000'] })
    await first.docker(['volume', 'create', '--label', 'kept=yes', 'demo-data'])
    await first.docker(['network', 'create', '--subnet', '10.99.0.0/24', 'demo-net'])
    await first.docker(['run', '-d', '--name', 'web', '-v', 'demo-data:/data', '--network', 'demo-net', '--ip', '10.99.0.9', '--restart', 'unless-stopped', '-e', 'COLOUR=blue', 'demo:1'])
    const from = await volumeOf(source, 'demo-data')
    await makeOddTree(from.mountpoint, { sparseBytes: 64 * 1024 * 1024 })
    const before = snapshotTree(from.mountpoint)
    show(`container "web" runs on demo1 with ${before.length} entries of every kind in its volume`)

    const record = await recordContainer(source, 'web')
    await using repository = await openRepository(join(folder, 'repo'), { create: true })
    const store = new ChunkStore(repository)
    const writer = new ContentWriter(store, repository.config.chunker)
    await source.containers.pause('web')
    await using reader = await openMountReader({ engine: source, target: from, reader: 'auto', run: 'demo', signal: never })
    async function* paths(): AsyncGenerator<Buffer[]> {
      for await (const batch of reader.list(never)) yield batch.filter(({ type }) => type !== 's').map(({ path }) => path)
    }
    const { tar, problems } = reader.stream(paths(), never)
    for await (const bytes of tar) await writer.write(bytes as Buffer)
    const chunks = await writer.finish()
    await store.flush()
    prove('every entry could be read', await problems)
    show(`stored as ${chunks.length} chunks by the ${reader.kind} reader (${reader.chosenBecause})`)

    await source.containers.remove('web', { force: true, volumes: true })
    await source.volumes.remove('demo-data')
    show('container and volume are destroyed')

    const request = toCreateRequest(record, { target: target.facts, name: 'web', imageRef: 'demo:1', remaps: noRemaps, peers: new Map() })
    for (const volume of request.volumes) await target.volumes.create(volume)
    for (const network of request.networks) await target.networks.create(network)
    const to = await volumeOf(target, 'demo-data')
    {
      await using into = await openMountWriter({ engine: target, target: to, reader: 'auto', run: 'demo', signal: never })
      await into.write(openContent(store, chunks), never)
    }
    prove('the volume on demo2 equals the one that was destroyed, in every attribute', diffSnapshots(before.filter(entry => entry.type !== 'socket'), snapshotTree(to.mountpoint)))
    const { id } = await target.containers.create(request.body, { name: request.name })
    for (const { network, body } of request.connects) await target.networks.connect(network, { ...body, Container: id })
    await target.containers.start(id)
    const { differences } = compareSpecs(record, await recordContainer(target, id), { name: 'web', imageRef: 'demo:1', remaps: noRemaps, peers: new Map() })
    prove('the spec on demo2 equals the recorded one', differences.filter(({ field }) => !field.startsWith('State')))
  } finally {
    await Promise.allSettled([source.close(), target.close()])
  }
}

const run = await beginRun()
const folder = await mkdtemp(join(tmpdir(), 'drayage-demo-'))
try {
  await demo(folder)
  show('done')
} finally {
  await rm(folder, { recursive: true, force: true })
  await endRun(run)
}
