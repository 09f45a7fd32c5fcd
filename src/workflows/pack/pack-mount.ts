import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { tellBytes } from '../../archive/tell-bytes.ts'
import type { Engine } from '../../engine/engine.ts'
import { splitReference } from '../../engine/image-reference.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { MountReader, ReaderKind, ReadProblem } from '../../mounts/mount-access.ts'
import { openMountReader } from '../../mounts/open-mount.ts'
import { whileTransferring, type Transfer } from '../reporter.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { recordTemporaryTag, removeTemporaryTag } from '../steps/temporary-tag.ts'
import { changesOf } from '../steps/stream-flattened.ts'
import { whilePaused } from '../volumes/at-rest.ts'
import type { PackSource } from './pack-source.ts'
import { noFacts, toLayer, type LayerFacts } from './packed-layer.ts'
import { packedLabels, readLayer } from './packed-image.ts'

export type PackJob = {
  readonly run: Run
  readonly engine: Engine
  readonly source: PackSource
  /** Where the data is in the image, and fills a volume. */
  readonly path: string
  /** The image's name. */
  readonly ref: string
  readonly reader: 'auto' | ReaderKind
  readonly consistency: 'pause' | 'none'
  readonly temporary: TemporaryJournal
}

export type PackReport = LayerFacts & { readonly id: string; readonly reader: ReaderKind; readonly losses: readonly string[]; readonly problems: readonly ReadProblem[]; /** The image that had the name before. */ readonly before: string | undefined }

/** Shown by `docker run`, which finds no such program; `docker create` wants some command. */
const noProgram = 'this image holds data and no program: docker create fills its volume'

/**
 * The data of a mount as an image of one layer that declares a volume for it, streamed from the mount into the engine, read back and
 * compared by its digest. Only then it gets its name. When it fails nothing is left.
 */
export async function packMount(job: PackJob): Promise<PackReport> {
  const { run, engine, source, ref, reader: wanted, temporary, consistency } = job
  const { signal } = run
  await using reader = await openMountReader({ engine, target: source.target, reader: wanted, run: run.id, journal: temporary, signal })
  const tag = await recordTemporaryTag({ engine, journal: run.journal, run: run.id }, 'pack')
  try {
    const streamed = (): Promise<Streamed> => whileTransferring(run.reporter, `packing ${source.label}`, transfer => stream(job, reader, tag, transfer))
    const { id, diffId, facts, problems } = consistency === 'none' ? await streamed() : await whilePaused(run, engine, source.isUsedBy, streamed)
    await readLayer({ run, source: engine, signal }, tag.ref, diffId)
    const before = (await unlessMissing(engine.images.inspect(ref, { signal })))?.Id
    const { repo, tag: name } = splitReference(ref)
    await engine.images.tag(tag.ref, repo, name, { signal })
    return { ...facts, id, reader: reader.kind, losses: reader.losses, problems, before: before === id ? undefined : before }
  } finally {
    await removeTemporaryTag({ engine, journal: run.journal }, tag)
  }
}

type Streamed = { readonly id: string; readonly diffId: string; readonly facts: LayerFacts; readonly problems: readonly ReadProblem[] }

async function stream({ run: { signal }, engine, source, path }: PackJob, reader: MountReader, { repo, tag }: { readonly repo: string; readonly tag: string }, transfer: Transfer): Promise<Streamed> {
  const facts = noFacts()
  const hash = createHash('sha256')
  const entries = reader.stream(reader.canList ? pathsOf(reader, signal) : undefined, signal)
  async function* hashed(): AsyncGenerator<Buffer> {
    for await (const bytes of toLayer(tellBytes(entries.tar as AsyncIterable<Buffer>, bytes => transfer.add(bytes)), path, facts)) {
      hash.update(bytes)
      yield bytes
    }
  }
  try {
    const changes = changesOf({ Cmd: [noProgram], Labels: packedLabels(path, source.label), Volumes: { [path]: {} } })
    const id = await engine.images.importRootfs(Readable.from(hashed(), { objectMode: false, highWaterMark: 1 << 20 }), { repo, tag, changes, message: `dray pack ${source.label}` }, { signal })
    const diffId = `sha256:${hash.digest('hex')}`
    const { RootFS } = await engine.images.inspect(id, { signal })
    if (RootFS.Layers?.length !== 1 || RootFS.Layers[0] !== diffId) throw new DrayError('refused', `what the engine made of it is not what was sent: its layer is "${String(RootFS.Layers)}" instead of "${diffId}"`, { hints: ['run the same command again', 'dray doctor looks at the engine'] })
    return { id, diffId, facts, problems: await entries.problems }
  } catch (thrown) {
    entries.tar.destroy()
    await entries.problems.catch(() => undefined)
    throw thrown
  }
}

async function* pathsOf(reader: MountReader, signal: AbortSignal): AsyncGenerator<readonly Buffer[]> {
  for await (const batch of reader.list(signal)) yield batch.filter(({ type }) => type !== 's').map(({ path }) => path)
}
