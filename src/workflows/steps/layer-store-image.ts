/**
 * An image of a classic engine, layer by layer out of the directories in which the engine keeps them: `docker save` writes all
 * layers into a temporary folder first, and sends all of them. For an engine whose host has a shell that may read them.
 */
import { Readable } from 'node:stream'
import { archiveFiles, maxJsonBytes, readSmallMember } from '../../archive/image-archive.ts'
import type { ImageInspect } from '../../engine/api-types.ts'
import { connectionLost } from '../../engine/engine-error.ts'
import type { HostShell } from '../../engine/host-shell.ts'
import { DrayError, messageOf } from '../../errors/dray-error.ts'
import { digestOf, hexOf } from '../../store/digest.ts'
import { mediaTypes, type Digest } from '../../store/oci.ts'
import { blobPath } from './image-tar.ts'
import { chainIdsOf } from './legacy-layer-names.ts'
import { proved } from './proved.ts'
import type { LayerMember, SourceImage, SourceJob } from './source-image.ts'
import { joinTarSplit, summarizeTarSplit, type TarSplitSummary } from './tar-split.ts'

/** The engine's store could not be read as it was expected; `docker save` still may. */
export class LayerStoreUnread extends DrayError {
  constructor(message: string, cause?: unknown) {
    super('damaged', message, { cause })
  }
}

/** Files are put together as they are read, so this is what lies in memory for them: some 100 bytes a file. */
const mostRecordBytes = 128 * 1024 * 1024

type StoredLayer = { readonly diffId: Digest; readonly folder: string; readonly directory: string }

/** Undefined where the store is of another kind, or out of reach. That what is read is the engine's is proved by digests. */
export async function openLayerStoreImage({ source, signal }: SourceJob, inspected: ImageInspect, diffIds: readonly Digest[]): Promise<SourceImage | undefined> {
  const { facts, shell } = source
  if (facts.driver !== 'overlay2' || shell === undefined || diffIds.length === 0) return undefined
  const store = new LayerStore(shell, facts.rootDir, signal)
  const found = await store.open(inspected.Id as Digest, diffIds)
  if (found === undefined) return undefined
  const { config, layers } = found
  const chosen = (wanted: ReadonlySet<Digest>): StoredLayer[] => [...new Map(layers.filter(({ diffId }) => wanted.has(diffId)).map(layer => [layer.diffId, layer])).values()]
  return {
    id: inspected.Id,
    inspected,
    diffIds,
    blobs: undefined,
    mayBeCompressed: false,
    config,
    async sizes(wanted) {
      let bytes = 0
      for (const layer of chosen(wanted)) bytes += (await store.summaryOf(layer)).bytes
      return { bytes, isExact: true }
    },
    read(wanted, reading) {
      const sizes = new Map<Digest, number>()
      async function* members(): AsyncGenerator<LayerMember> {
        for (const layer of chosen(wanted)) {
          const { bytes: size } = await store.summaryOf(layer)
          sizes.set(layer.diffId, size)
          yield { path: blobPath(layer.diffId), size, isZstd: false, body: store.read(layer, reading) }
        }
      }
      const placed = (diffId: Digest) => ({ diffId, path: blobPath(diffId), blob: { mediaType: mediaTypes.layer, digest: diffId, size: sizes.get(diffId) ?? 0 } })
      return { members: members(), documents: () => ({ config, layers: diffIds.map(placed) }) }
    },
  }
}

class LayerStore {
  readonly #shell: HostShell
  readonly #rootDir: string
  readonly #signal: AbortSignal
  readonly #records = new Map<Digest, { readonly record: Buffer; readonly summary: TarSplitSummary }>()

  constructor(shell: HostShell, rootDir: string, signal: AbortSignal) {
    this.#shell = shell
    this.#rootDir = rootDir
    this.#signal = signal
  }

  /** The image's config and where its layers lie; undefined when they are not there, or are others. */
  async open(id: Digest, diffIds: readonly Digest[]): Promise<{ readonly config: Buffer; readonly layers: readonly StoredLayer[] } | undefined> {
    const configPath = `imagedb/content/sha256/${hexOf(id)}`
    const folders = chainIdsOf(diffIds).map(chainId => `layerdb/sha256/${hexOf(chainId as Digest)}`)
    const names = [configPath, ...folders.flatMap(folder => [`${folder}/diff`, `${folder}/cache-id`])]
    const { exitCode, stdout } = await this.#shell.run(['tar', '-C', `${this.#rootDir}/image/overlay2`, '-cf', '-', ...names], { signal: this.#signal })
    if (exitCode !== 0) return undefined
    const files = new Map<string, Buffer>()
    for await (const { name, size, body } of archiveFiles(Readable.from([stdout]))) files.set(name, await readSmallMember(name, size, body, maxJsonBytes))
    const config = files.get(configPath)
    if (config === undefined || digestOf(config) !== id) return undefined
    const layers = diffIds.map((diffId, at) => {
      const folder = folders[at] ?? ''
      const cacheId = files.get(`${folder}/cache-id`)?.toString().trim() ?? ''
      return { diffId, folder, directory: `${this.#rootDir}/overlay2/${cacheId}/diff`, isSound: files.get(`${folder}/diff`)?.toString().trim() === diffId && /^\w[\w-]*$/.test(cacheId) }
    })
    return layers.every(({ isSound }) => isSound) ? { config, layers } : undefined
  }

  async summaryOf(layer: StoredLayer): Promise<TarSplitSummary> {
    return (await this.#recordOf(layer)).summary
  }

  /** Throws LayerStoreUnread unless it is the layer. */
  async *read(layer: StoredLayer, signal: AbortSignal): AsyncGenerator<Buffer> {
    const { record, summary: { files } } = await this.#recordOf(layer)
    try {
      yield* proved(joinTarSplit(record, this.#contents(layer, files, signal)), layer.diffId)
    } catch (thrown) {
      signal.throwIfAborted()
      throw thrown instanceof DrayError && thrown.code === 'damaged' ? new LayerStoreUnread(thrown.message, thrown) : thrown
    }
  }

  async #recordOf({ diffId, folder }: StoredLayer): Promise<{ readonly record: Buffer; readonly summary: TarSplitSummary }> {
    const known = this.#records.get(diffId)
    if (known !== undefined) return known
    const { exitCode, stdout, stderr } = await this.#shell.run(['head', '-c', String(mostRecordBytes + 1), `${this.#rootDir}/image/overlay2/${folder}/tar-split.json.gz`], { signal: this.#signal })
    this.#expectConnected(exitCode, `reading the record of layer "${diffId}"`)
    if (exitCode !== 0 || stdout.length > mostRecordBytes) throw new LayerStoreUnread(`the record of layer "${diffId}" cannot be read on ${this.#shell.where}: ${stderr.trim() || 'it is too long'}`)
    const summary = await summarizeTarSplit(stdout).catch((thrown: unknown) => {
      throw new LayerStoreUnread(`the record of layer "${diffId}" on ${this.#shell.where} is not one that dray knows: ${messageOf(thrown)}`, thrown)
    })
    const read = { record: stdout, summary }
    this.#records.set(diffId, read)
    return read
  }

  async *#contents({ diffId, directory }: StoredLayer, files: readonly Buffer[], signal: AbortSignal): AsyncGenerator<Buffer> {
    if (files.length === 0) return
    const stop = new AbortController()
    const { stdin, stdout, stderr, exited } = this.#shell.start(['sh', '-c', 'cd "$1" && exec xargs -0 cat --', 'sh', directory], { signal: AbortSignal.any([signal, stop.signal]) })
    let said = ''
    stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-1024)))
    stdin.end(Buffer.concat(files.flatMap(name => [Buffer.from('./'), name, Buffer.from([0])])))
    try {
      yield* stdout as AsyncIterable<Buffer>
      const { exitCode } = await exited
      signal.throwIfAborted()
      this.#expectConnected(exitCode, `reading layer "${diffId}"`)
      if (exitCode !== 0) throw new LayerStoreUnread(`the files of layer "${diffId}" cannot be read on ${this.#shell.where}: ${said.trim()}`)
    } finally {
      stop.abort()
      await exited
    }
  }

  /** ssh ends with 255, or by a signal, when its connection does; the programs used here do not. */
  #expectConnected(exitCode: number | null, doing: string): void {
    if (this.#shell.kind === 'ssh' && (exitCode === 255 || exitCode === null)) throw connectionLost(this.#shell.where, doing)
  }
}
