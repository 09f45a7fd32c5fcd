import type { ContainerInspect, JsonObject } from '../../engine/api-types.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { exportWhole, platformOf } from './flatten-container.ts'
import { notBrought, type LoadedImage } from './load-tar.ts'
import { countBytes } from './store-image.ts'
import type { StreamImageJob } from './stream-image.ts'
import { recordTemporaryTag, removeTemporaryTag } from './temporary-tag.ts'

/**
 * Brings the whole root file system of a container as an image of one layer, for an image that is gone or incomplete (see
 * isImageLost): exported there, imported here, under a temporary name. It carries the container's settings that an import can be
 * told, and `because` stands in its history and its notes. Throws `io-failed` when the export was cut; nothing is left then.
 */
export async function streamFlattened({ run, source, target, transfer, signal }: StreamImageJob, container: ContainerInspect, because: string): Promise<LoadedImage> {
  const job = { engine: target, journal: run.journal, run: run.id }
  const { os, architecture, variant } = await platformOf(source, container, signal)
  const tag = await recordTemporaryTag(job, 'flattened')
  try {
    const ids: string[] = []
    const sentBytes = await countBytes(await source.containers.export(container.Id, { signal }), transfer, signal, async exported => {
      const query = { repo: tag.repo, tag: tag.tag, changes: changesOf(container.Config), message: `dray: exported whole, because ${because}`, platform: [os, architecture, ...(variant === undefined ? [] : [variant])].join('/') }
      ids.push(await target.images.importRootfs(exportWhole(exported, container), query, { signal }))
    })
    const [id] = ids
    if (id === undefined) throw new DrayError('refused', 'the engine named no image')
    return { id, temporaryName: tag.ref, journalEntry: tag.entry, sentLayers: 1, presentLayers: 0, sentBytes, notes: [`the root file system was sent whole, as one layer, because ${because}`] }
  } catch (thrown) {
    await removeTemporaryTag(job, tag)
    throw signal.aborted ? signal.reason : notBrought(thrown, `of container ${container.Name.slice(1)}`, target)
  }
}

/** As `docker import --change` takes them, one line each. What has a line break in it stays with the container's own settings. */
export function changesOf({ Env, Labels, Entrypoint = null, Cmd = null, Volumes, ...config }: Partial<ContainerInspect['Config']>): string[] {
  const text = (field: string): string => (typeof config[field] === 'string' ? config[field] : '')
  const { StopSignal: stopSignal, ExposedPorts: ports } = config as JsonObject & { ExposedPorts?: Record<string, unknown> | null }
  const changes = [
    ...(Env ?? []).map(each => `ENV ${each.slice(0, each.indexOf('='))}=${quoted(each.slice(each.indexOf('=') + 1))}`),
    ...Object.entries(Labels ?? {}).map(([key, value]) => `LABEL ${quoted(key)}=${quoted(value)}`),
    ...Object.keys(ports ?? {}).map(port => `EXPOSE ${port}`),
    ...(Object.keys(Volumes ?? {}).length === 0 ? [] : [`VOLUME ${JSON.stringify(Object.keys(Volumes ?? {}))}`]),
    ...(text('WorkingDir') === '' ? [] : [`WORKDIR ${escaped(text('WorkingDir'))}`]),
    ...(text('User') === '' ? [] : [`USER ${escaped(text('User'))}`]),
    ...(typeof stopSignal === 'string' && stopSignal !== '' ? [`STOPSIGNAL ${stopSignal}`] : []),
    ...(Entrypoint === null || Entrypoint.length === 0 ? [] : [`ENTRYPOINT ${JSON.stringify(Entrypoint)}`]),
    ...(Cmd === null || Cmd.length === 0 ? [] : [`CMD ${JSON.stringify(Cmd)}`]),
  ]
  return changes.filter(each => !/[\r\n]/.test(each))
}

/** Variables are expanded in these lines, also within quotes. */
function escaped(value: string): string {
  return value.replaceAll(/[\\"$]/g, character => `\\${character}`)
}

function quoted(value: string): string {
  return `"${escaped(value)}"`
}
