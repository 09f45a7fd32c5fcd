import { compareSpecs } from '../../engine/spec/compare-specs.ts'
import { noRemaps } from '../../engine/spec/remap-record.ts'
import type { ValueDifference } from '../../engine/spec/same-value.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { ChunkReader } from '../../store/chunk-reader.ts'
import { readImage } from '../../store/image-store.ts'
import { readMountContent } from '../../store/mount-manifest.ts'
import type { Repository } from '../../store/repository.ts'
import { diffTocs, type TocDifference } from '../../store/toc-diff.ts'
import type { LookedBackup, LookedMount } from './find-place.ts'

export type LayerFacts = { readonly diffId: string; /** As stored. */ readonly bytes: number }

/** Layers that the images of both have, and those of one alone. */
export type LayerDifference = { readonly same: number; readonly added: readonly LayerFacts[]; readonly removed: readonly LayerFacts[] }

export type SpecDifference = { readonly container: string; readonly differences: readonly ValueDifference[] } | { readonly container: string; readonly only: 'before' | 'after' }

export type MountPair = { readonly before: LookedMount; readonly after: LookedMount } | { readonly only: 'before' | 'after'; readonly mount: LookedMount }

/** What the specs of containers of the same name say differently. */
export function diffSpecs(before: LookedBackup, after: LookedBackup): SpecDifference[] {
  const ofAfter = new Map(after.specs.map(spec => [nameOf(spec.inspect), spec]))
  const found: SpecDifference[] = []
  for (const spec of before.specs) {
    const container = nameOf(spec.inspect)
    // Two containers of different names are compared when each backup has one.
    const other = ofAfter.get(container) ?? (before.specs.length === 1 && after.specs.length === 1 ? after.specs[0] : undefined)
    if (other === undefined) {
      found.push({ container, only: 'before' })
      continue
    }
    ofAfter.delete(nameOf(other.inspect))
    const { differences, engineDefaults } = compareSpecs(spec, other, { name: container, imageRef: spec.inspect.Config.Image, remaps: noRemaps, peers: new Map() })
    found.push({ container, differences: [...differences, ...engineDefaults.map(({ field, recorded, restored }) => ({ field, recorded, restored }))] })
  }
  return [...found, ...[...ofAfter.keys()].map(container => ({ container, only: 'after' as const }))]
}

export async function diffImages({ blobs }: Repository, before: LookedBackup, after: LookedBackup): Promise<LayerDifference> {
  const layersOf = async ({ contents }: LookedBackup): Promise<Map<string, LayerFacts>> => {
    const layers = new Map<string, LayerFacts>()
    for (const image of contents.images) for (const { diffId, descriptor } of (await readImage(blobs, image)).layers) layers.set(diffId, { diffId, bytes: descriptor.size })
    return layers
  }
  const [one, other] = [await layersOf(before), await layersOf(after)]
  const [removed, added] = [[...one.values()].filter(({ diffId }) => !other.has(diffId)), [...other.values()].filter(({ diffId }) => !one.has(diffId))]
  return { same: one.size - removed.length, added, removed }
}

/** By the volume or path; else by where the container has it, so that a new volume in the place of an old one is compared with it. */
export function pairMounts(before: LookedBackup, after: LookedBackup): MountPair[] {
  const left = [...after.mounts]
  const take = (fits: (mount: LookedMount) => boolean): LookedMount | undefined => {
    const at = left.findIndex(fits)
    return at < 0 ? undefined : left.splice(at, 1)[0]
  }
  const bySource = before.mounts.map(mount => ({ mount, other: take(({ described: { source, kind } }) => source === mount.described.source && kind === mount.described.kind) }))
  const pairs = bySource.map(({ mount, other }): MountPair => {
    const paths = mount.described.destinations.map(({ path }) => path)
    const found = other ?? take(({ described: { destinations } }) => destinations.some(({ path }) => paths.includes(path)))
    return found === undefined ? { only: 'before', mount } : { before: mount, after: found }
  })
  return [...pairs, ...left.map(mount => ({ only: 'after' as const, mount }))]
}

export async function* diffMount({ blobs }: Repository, before: LookedMount, after: LookedMount): AsyncGenerator<TocDifference> {
  const [one, other] = [await readMountContent(blobs, before.parts), await readMountContent(blobs, after.parts)]
  yield* diffTocs(new ChunkReader(blobs), one.content.toc, other.content.toc)
}
