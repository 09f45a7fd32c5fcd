import type { ImageInspect, Json, JsonObject } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { hasApi } from '../../engine/spec/api-version.ts'
import { objectOf } from '../../engine/spec/json-values.ts'
import { differencesOf } from '../../engine/spec/same-value.ts'
import type { Digest, Platform } from '../../store/oci.ts'

/** What an image is, wherever it lies: an engine's may be compared with it. Layers from the bottom. */
export type ImageContent = { readonly config: Buffer; readonly platform: Platform; readonly layers: readonly { readonly diffId: Digest }[] }

/** What every engine keeps of an image's config; the containerd store drops the rest of what classic engines wrote. */
const configFields = ['User', 'ExposedPorts', 'Env', 'Entrypoint', 'Cmd', 'Volumes', 'WorkingDir', 'Labels', 'StopSignal', 'ArgsEscaped', 'Healthcheck', 'OnBuild', 'Shell']

/** Whether the engine can say which parts of an image it holds. A graphdriver holds all or nothing. */
export function knowsAvailability({ facts }: Engine): boolean {
  return facts.store === 'containerd' && hasApi(facts, '1.48')
}

export async function inspectImage(engine: Engine, ref: string, signal: AbortSignal): Promise<ImageInspect> {
  return engine.images.inspect(ref, { signal, ...(knowsAvailability(engine) ? { manifests: true } : {}) })
}

/** How the engine's image differs from the one that was sent, in words; undefined when it does not. */
export function differenceFrom({ layers, config }: Pick<ImageContent, 'layers' | 'config'>, found: ImageInspect): string | undefined {
  const diffIds = layers.map(({ diffId }) => diffId)
  const foundIds = found.RootFS.Layers ?? []
  if (foundIds.length !== diffIds.length) return `it has ${foundIds.length} layers instead of ${diffIds.length}`
  const other = diffIds.findIndex((diffId, at) => foundIds[at] !== diffId)
  if (other >= 0) return `its layer ${other + 1} is "${foundIds[other] ?? ''}" instead of "${diffIds[other] ?? ''}"`
  const recorded = objectOf((JSON.parse(config.toString()) as JsonObject)['config'])
  const restored: Record<string, Json | undefined> = found.Config ?? {}
  const [different] = configFields.flatMap(field => differencesOf(field, { compared: 'value' }, field === 'Healthcheck' ? shownBy(restored[field], recorded[field]) : recorded[field], restored[field]))
  return different && `its ${different.field} is ${JSON.stringify(different.restored)} instead of ${JSON.stringify(different.recorded)}`
}

/** Engines before 25 know no start interval: they keep the config as it came, and do not show what they do not know. */
function shownBy(found: Json | undefined, check: Json | undefined): Json | undefined {
  if (Object.hasOwn(objectOf(found), 'StartInterval') || !Object.hasOwn(objectOf(check), 'StartInterval')) return check
  return Object.fromEntries(Object.entries(objectOf(check)).filter(([field]) => field !== 'StartInterval'))
}

/** The same for two engines' images. */
export function differenceOfInspected(wanted: ImageInspect, found: ImageInspect): string | undefined {
  const layers = (wanted.RootFS.Layers ?? []).map(diffId => ({ diffId: diffId as Digest }))
  return differenceFrom({ layers, config: Buffer.from(JSON.stringify({ config: wanted.Config })) }, found)
}

/** Whether all blobs of the image, or of its equal for this platform, are in the engine's content store; true where only whole images exist. */
export function isWhole(engine: Engine, { platform }: ImageContent, { Manifests = [] }: ImageInspect): boolean {
  if (!knowsAvailability(engine)) return true
  return Manifests.some(({ Kind, Available, ImageData }) => Kind === 'image' && Available && ImageData !== undefined && isSamePlatform(platform, ImageData.Platform))
}

/** An engine leaves out the variant that is usual for an architecture, or adds it. */
function isSamePlatform(one: Platform, other: Platform): boolean {
  const isVariantSame = !one.variant || !other.variant || one.variant === other.variant
  return one.os === other.os && one.architecture === other.architecture && isVariantSame
}

/** For images whose ids cannot be compared. */
export function wasMadeWith({ config, platform }: ImageContent, { Created, Architecture, Os }: ImageInspect): boolean {
  const { created } = JSON.parse(config.toString()) as { created?: string }
  return Architecture === platform.architecture && Os === platform.os && momentOf(created) === momentOf(Created)
}

/** In milliseconds; 0 for no date and for Go's zero date. */
function momentOf(date: string | undefined): number {
  return Math.max(0, Date.parse(date ?? '') || 0)
}
