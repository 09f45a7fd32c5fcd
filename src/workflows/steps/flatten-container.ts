import { Readable } from 'node:stream'
import { TarScanner } from '../../archive/tar-scanner.ts'
import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { digestOf } from '../../store/digest.ts'
import type { ImageStore } from '../../store/image-store.ts'
import type { Descriptor, Digest, Platform } from '../../store/oci.ts'
import { countBytes, type ImageJob, type ImageReport } from './store-image.ts'

/** What of a container's settings an image's config has a place for. */
const imageFields = ['User', 'ExposedPorts', 'Env', 'Entrypoint', 'Cmd', 'Volumes', 'WorkingDir', 'Labels', 'StopSignal', 'Healthcheck', 'ArgsEscaped', 'OnBuild', 'Shell']

/**
 * Stores the whole root file system of a container, as its engine exports it, as an image of one layer with the container's
 * settings: for a container whose image is gone or incomplete. Volumes are not in it. Equal content gives the same image.
 * `because` goes into the report and into the image's history. Throws `io-failed` when the export was cut.
 */
export async function storeFlattened({ engine, images, transfer, signal }: ImageJob, container: ContainerInspect, because: string): Promise<ImageReport> {
  const platform = await platformOf(engine, container, signal)
  const exported = await engine.containers.export(container.Id, { signal })
  const stored: StoredLayer[] = []
  const readBytes = await countBytes(exported, transfer, signal, async tar => {
    stored.push(await storeLayer(images, exportWhole(tar, container), signal))
  })
  const [layer] = stored
  if (layer === undefined) throw new RangeError('an export ended without a layer')
  const config = Buffer.from(JSON.stringify(imageConfig(container, platform, layer.diffId, because)))
  const id = digestOf(config)
  const descriptor = await images.putImage({ config, layers: [layer.descriptor], engineId: id })
  return { descriptor, id, how: 'flattened', layers: 1, newLayers: layer.isNew ? 1 : 0, readBytes, because }
}

export type StoredLayer = { readonly diffId: Digest; readonly descriptor: Descriptor; readonly isNew: boolean }

/** A plain layer, unless the repository has it. */
export async function storeLayer(images: ImageStore, tar: AsyncIterable<Buffer>, signal: AbortSignal): Promise<StoredLayer> {
  const before: Descriptor[] = []
  const isNew = async (diffId: Digest): Promise<boolean> => {
    const found = await images.findLayer(diffId)
    if (found) before.push(found)
    return found === undefined
  }
  const { diffId, descriptor = before[0] } = await images.putNewLayer(Readable.from(tar, { objectMode: false }), isNew, signal)
  if (descriptor === undefined) throw new RangeError('a new layer was not kept')
  return { diffId, descriptor, isNew: before.length === 0 }
}

/** The export of a container as it goes on; fails when its end has not come: an engine that fails half way has no other way to say so. */
export function exportWhole(tar: Readable, container: ContainerInspect): Readable {
  return Readable.from(whole(tar as AsyncIterable<Buffer>, container), { objectMode: false })
}

async function* whole(tar: AsyncIterable<Buffer>, { Name }: ContainerInspect): AsyncGenerator<Buffer> {
  const scanner = new TarScanner({})
  try {
    for await (const bytes of tar) {
      scanner.scan(bytes)
      yield bytes
    }
    scanner.end()
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    throw new DrayError('io-failed', `the files of container "${Name.replace(/^\//, '')}" did not come whole: ${thrown.message}`, { hints: ['pause or stop the container, then run the same command again'], cause: thrown })
  }
}

function imageConfig({ Created, Config }: ContainerInspect, platform: Platform, diffId: Digest, because: string): object {
  const config = Object.fromEntries(imageFields.map(field => [field, Config[field] ?? ''] as const).filter(([, value]) => value !== ''))
  return {
    created: Created,
    architecture: platform.architecture,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    os: platform.os,
    config,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created: Created, created_by: 'dray: exported whole, the image was lost', comment: because }],
  }
}

/** As the image says, or what newer engines keep of it with the container, or the engine's own. */
export async function platformOf(engine: Engine, container: ContainerInspect, signal: AbortSignal): Promise<Platform> {
  const image = await engine.images.inspect(container.Image, { signal }).catch(() => undefined)
  signal.throwIfAborted()
  if (image !== undefined && image.Os !== '' && image.Architecture !== '') return platform(image.Os, image.Architecture, image.Variant)
  const { ImageManifestDescriptor: kept } = container as { ImageManifestDescriptor?: { platform?: Platform } | null }
  if (kept?.platform) return platform(kept.platform.os, kept.platform.architecture, kept.platform.variant)
  const { os, architecture, variant } = engine.facts
  return platform(os, architecture, variant)
}

function platform(os: string, architecture: string, variant = ''): Platform {
  return { os, architecture, ...(variant === '' ? {} : { variant }) }
}
