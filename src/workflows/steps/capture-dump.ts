import type { Engine } from '../../engine/engine.ts'
import { makeTarHeader } from '../../archive/make-tar-header.ts'
import { blockBytes } from '../../archive/tar-header.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { bytesOf } from '../../store/chunk-ref.ts'
import type { ChunkStore } from '../../store/chunk-store.ts'
import { ContentWriter } from '../../store/content-writer.ts'
import type { MountContent } from '../../store/mount-manifest.ts'
import type { Repository } from '../../store/repository.ts'
import { TocWriter } from '../../store/toc.ts'
import type { DescribedMount } from '../mount-description.ts'
import { whileTransferring, type Transfer } from '../reporter.ts'
import type { Run } from '../run.ts'
import { hookReason, longestDumpMs, runInContainer } from './container-command.ts'
import type { Member } from './look-at-containers.ts'

/** What a container's `dray.dump` wrote, in the repository: a tar with one file, as a mount of its own that is mounted nowhere. */
export type CapturedDump = { readonly container: string; readonly described: DescribedMount; readonly content: MountContent }

export type DumpsJob = { readonly run: Run; readonly engine: Engine; readonly repository: Repository; readonly store: ChunkStore; readonly members: readonly Member[] }

/** The only entry of a dump's tar. */
export const dumpName = Buffer.from('./dump')

/** One after the other, while the containers run: nothing can be run in one that is paused. */
export async function captureDumps(job: DumpsJob): Promise<CapturedDump[]> {
  const dumps: CapturedDump[] = []
  for (const { spec: { inspect }, labels: { dump } } of job.members) {
    if (dump === undefined) continue
    const name = nameOf(inspect)
    if (!inspect.State.Running || inspect.State.Paused) {
      job.run.reporter.note(`container "${name}" does not run: its dray.dump is not run`)
      continue
    }
    dumps.push(await captureDump(job, { id: inspect.Id, name }, dump, `d${dumps.length + 1}`))
  }
  return dumps
}

async function captureDump({ run, engine, repository, store }: DumpsJob, container: { readonly id: string; readonly name: string }, command: string, id: string): Promise<CapturedDump> {
  const label = `${container.name}.dump`
  const writer = new ContentWriter(store, repository.config.chunker)
  await whileTransferring(run.reporter, label, transfer => runInContainer({ engine, container, command, label: 'dray.dump', timeoutMs: longestDumpMs, signal: run.signal }, { take: bytes => storeAll(bytes, writer, transfer) }))
  const size = writer.position
  if (size === 0) throw new DrayError('io-failed', `dray.dump of container "${container.name}" wrote nothing`, { reason: hookReason, hints: [`try it by hand: docker exec ${container.name} sh -c '${command}'`] })
  const { content, tarBytes } = await finishTar(store, writer, size)
  return { container: container.name, content, described: { id, kind: 'dump', source: container.name, label, anonymous: false, destinations: [], reader: 'api', losses: [], problems: [], tarBytes, entries: 1, dataBytes: size, hardLinks: 0 } }
}

async function storeAll(bytes: AsyncIterable<Buffer>, writer: ContentWriter, transfer: Transfer): Promise<void> {
  for await (const chunk of bytes) {
    transfer.add(chunk.length)
    await writer.write(chunk)
  }
}

/** How long it is is known only now: the header becomes a chunk of its own, and the first. */
async function finishTar(store: ChunkStore, writer: ContentWriter, size: number): Promise<{ readonly content: MountContent; readonly tarBytes: number }> {
  const mtime = `${Math.floor(Date.now() / 1000)}.000000000`
  const header = makeTarHeader({ name: dumpName, type: '0', size, mode: 0o600, uid: 0, gid: 0, mtime })
  const padding = -size & (blockBytes - 1)
  await writer.cut()
  await writer.write(Buffer.alloc(padding + 2 * blockBytes))
  const chunks = [{ ...(await store.store(header)), forced: true }, ...(await writer.finish())]
  const toc = new TocWriter(store)
  await toc.add({ path: dumpName, type: 'f', size, mode: 0o600, uid: 0, gid: 0, mtime, bytes: header.length + size + padding, headerBytes: header.length })
  return { content: { chunks, toc: await toc.finish() }, tarBytes: bytesOf(chunks) }
}
