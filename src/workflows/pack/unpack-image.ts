import { PackedRecords } from '../../archive/packed-records.ts'
import type { TarEntry } from '../../archive/tar-entry.ts'
import type { ImageInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { didYouMean } from '../../errors/similar-name.ts'
import { extractInto } from '../../mounts/extract-into.ts'
import type { MountWriter, ReaderKind } from '../../mounts/mount-access.ts'
import { runScript } from '../../mounts/mount-tools.ts'
import { decodeTocLines, encodeTocEntry, tocPathOf, type TocEntry } from '../../store/toc-entry.ts'
import { localFolder } from '../look/folder-tools.ts'
import { isTemporary, putAllRight } from '../put-right.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { checkContent } from '../steps/check-content.ts'
import { kindOfMember } from '../steps/listed-member.ts'
import { restoreData } from '../steps/restore-data.ts'
import { recordFilling } from '../steps/restore-mounts.ts'
import { inspectRunning, usersOfVolume } from '../steps/running-containers.ts'
import { openPlace, requireEmpty } from '../steps/write-mount.ts'
import { fromLayer } from './packed-layer.ts'
import { readLayer, readPackedLabels } from './packed-image.ts'

export type PackedImage = { readonly ref: string; readonly inspect: ImageInspect; readonly path: string; /** What was packed, if it says so. */ readonly source: string | undefined; readonly diffId: string }

/** Throws `not-found` for an image that the engine does not have, `refused` for one of several layers, and `usage` where its data cannot be told. */
export async function findPackedImage(engine: Engine, ref: string, wanted: string | undefined, signal: AbortSignal): Promise<PackedImage> {
  const inspect = await unlessMissing(engine.images.inspect(ref, { signal }))
  if (inspect === undefined) {
    const names = (await engine.images.list({ signal })).flatMap(({ RepoTags }) => RepoTags ?? [])
    throw new DrayError('not-found', `there is no image "${ref}" on "${engine.address}"`, { hints: [...didYouMean(ref.includes(':') ? ref : `${ref}:latest`, names), `get it: docker pull ${ref}`] })
  }
  const { Labels, Volumes } = (inspect.Config ?? {}) as { readonly Labels?: Record<string, string> | null; readonly Volumes?: Record<string, object> | null }
  const { path, source } = readPackedLabels(Labels)
  const volumes = Object.keys(Volumes ?? {})
  const chosen = wanted ?? path ?? (volumes.length === 1 ? volumes[0] : undefined)
  if (chosen === undefined) throw new DrayError('usage', `image "${ref}" does not say where its data lies: it declares ${volumes.length === 0 ? 'no volume' : `several volumes: ${volumes.join(', ')}`}`, { hints: ['say it with --path'] })
  const [diffId, other] = inspect.RootFS.Layers ?? []
  if (diffId === undefined || other !== undefined) throw new DrayError('refused', `image "${ref}" has ${inspect.RootFS.Layers?.length ?? 0} layers, and only one that dray pack made, of one layer, can be unpacked`, { hints: [`have a volume filled by it: docker create -v NEW:${chosen} ${ref}`] })
  return { ref, inspect, path: chosen, source, diffId }
}

export type UnpackJob = { readonly run: Run; readonly engine: Engine; readonly image: PackedImage }
export type Unpacked = { readonly entries: number; readonly bytes: number; readonly problems: readonly string[]; readonly losses: readonly string[] }

export type UnpackToVolume = UnpackJob & { readonly volume: string; readonly reader: 'auto' | ReaderKind; readonly temporary: TemporaryJournal }

/** Into a new volume, or one that is empty and that no running container has; read back and compared. When it fails, all is as it was. */
export async function unpackToVolume(job: UnpackToVolume): Promise<Unpacked> {
  const { run, engine, volume } = job
  const { signal } = run
  try {
    const there = await unlessMissing(engine.volumes.inspect(volume, { signal }))
    const [user] = there === undefined ? [] : usersOfVolume(await inspectRunning(engine, [], signal), volume)
    if (user !== undefined) throw new DrayError('conflict', `container "${user}" runs with volume "${volume}"`, { hints: ['stop it first', 'unpack into another volume: --to NEW'] })
    if (there === undefined) {
      await run.journal.record(engine, { did: 'created volume', volume })
      await engine.volumes.create({ Name: volume }, { signal })
    }
    await using writer = await openPlace(job, { kind: 'volume', name: volume }, undefined)
    if (!(await writer.isEmpty(signal))) throw new DrayError('conflict', `volume "${volume}" is not empty`, { hints: ['unpack into another volume: --to NEW', `remove it after a backup: dray volume rm ${volume}`] })
    if (there !== undefined) await recordFilling(job, { kind: 'volume', name: volume }, writer, {})
    const unpacked = await unpackInto(job, writer)
    await run.journal.settle(...run.journal.open().filter(entry => !isTemporary(entry, run.id)))
    return unpacked
  } catch (thrown) {
    await putAllRight(engine, run, run.journal.open(), restoreData(run))
    throw thrown
  }
}

async function unpackInto({ run, engine, image }: UnpackToVolume, writer: MountWriter): Promise<Unpacked> {
  const { signal } = run
  const seen = new SeenEntries()
  const problems: string[] = []
  await readLayer({ run, source: engine, signal }, image.ref, image.diffId, async layer => {
    await requireEmpty(writer, { kind: 'volume', name: 'the target' }, signal)
    problems.push(...(await writer.write(fromLayer(layer, image.path, (entry, name) => seen.add(entry, name)), signal)).problems)
  })
  if (writer.canList) problems.push(...(await checkContent(writer, seen.all(), { toc: { sorted: seen.isSorted } }, signal)).map(({ path, what }) => `"${path}" ${what}`))
  return { entries: seen.entries, bytes: seen.bytes, problems, losses: writer.losses }
}

/** Into a folder of this machine that is new or empty. Without root the files belong to who runs it, and the rest of what only root may is left out and named. */
export async function unpackToFolder({ run, engine, image }: UnpackJob, path: string, env: NodeJS.ProcessEnv): Promise<Unpacked> {
  const { signal } = run
  await using folder = await localFolder(path, env)
  const { tools, extract, undo } = folder
  try {
    const { stdout } = await runScript(tools, 'find . -mindepth 1 -maxdepth 1 -print -quit', [], signal)
    if (stdout.length > 0) throw new DrayError('conflict', `"${path}" is not empty`, { hints: ['name a new folder: --to FOLDER'] })
    const seen = new SeenEntries()
    const problems: string[] = []
    await readLayer({ run, source: engine, signal }, image.ref, image.diffId, async layer => {
      const tar = fromLayer(layer, image.path, (entry, name) => seen.add(entry, name))
      problems.push(...(await extractInto(tools, { tar, extract, tops: [Buffer.from('.')], force: false, isNew: true }, signal)))
    })
    return { entries: seen.entries, bytes: seen.bytes, problems, losses: [] }
  } catch (thrown) {
    await undo()
    throw thrown
  }
}

/** What passed on the way, as it is compared with what is there then; compressed in memory. */
class SeenEntries {
  entries = 0
  bytes = 0
  isSorted = true
  private readonly lines = new PackedRecords()
  private last = Buffer.alloc(0)

  add(entry: TarEntry, name: Buffer): void {
    const type = kindOfMember(entry)
    const path = name.toString() === './' ? Buffer.from('.') : tocPathOf(name)
    this.isSorted &&= Buffer.compare(this.last, path) < 0
    this.last = Buffer.from(path)
    this.entries++
    if (type === 'f') this.bytes += entry.realSize
    const { mode, uid, gid, mtime } = entry
    this.lines.add(encodeTocEntry({ path, type, size: entry.realSize, mode, uid, gid, mtime, bytes: 0, headerBytes: 0 }))
  }

  async *all(): AsyncGenerator<TocEntry> {
    for (const batch of this.lines.batches()) for (const line of batch) yield* await Promise.resolve(decodeTocLines(line, 0))
  }
}
