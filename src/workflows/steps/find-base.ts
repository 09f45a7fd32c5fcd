import type { EngineFacts } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { MountTarget } from '../../mounts/mount-access.ts'
import { readBackup, readContainerSpec, readMount } from '../../store/backup-graph.ts'
import type { BackupSummary } from '../../store/backup-summary.ts'
import { isDatedAhead, listBackups } from '../../store/backup-list.ts'
import type { MountContent } from '../../store/mount-manifest.ts'
import type { Descriptor } from '../../store/oci.ts'
import type { Repository } from '../../store/repository.ts'
import { parseContainerSpec, type ContainerSpec } from '../container-spec.ts'
import type { ContentFacts } from '../mount-content.ts'
import { fromMountDescription } from '../mount-description.ts'

/** The newest backup of the same container on the same engine: what has not changed since is taken over from it. */
export type Base = {
  readonly id: string
  readonly spec: ContainerSpec
  readonly images: readonly Descriptor[]
  /** Of this container alone. */
  readonly mounts: readonly (Size & { readonly source: string; readonly label: string })[]
  readonly mountOf: (target: MountTarget) => { readonly content: MountContent; readonly facts: ContentFacts } | undefined
  /** What its dray.dump wrote then. */
  readonly dumpOf: (container: string) => ContentFacts | undefined
}

export type Size = Pick<ContentFacts, 'entries' | 'dataBytes'>

/** Undefined when there is none, or none that can be read: then everything is read. */
export async function findBase(repository: Repository, engine: EngineFacts, container: string, warn: (text: string) => void): Promise<Base | undefined> {
  // With a wrong clock, before or now, times do not tell what has changed since.
  const newest = (await listBackups(repository)).findLast(backup => backup.engine === engine.id && backup.containers.includes(container) && !isDatedAhead(backup))
  return newest === undefined ? undefined : await readBase(repository, newest, container, warn)
}

/** Of one backup of the same engine, with what it says of the container. Undefined when it cannot be read. */
export async function readBase(repository: Repository, backup: BackupSummary, container: string, warn: (text: string) => void): Promise<Base | undefined> {
  try {
    const { blobs } = repository
    const contents = await readBackup(blobs, backup.descriptor)
    const stored = contents.containers.find(({ name }) => name === container)
    if (stored === undefined) return undefined
    const spec = parseContainerSpec(await readContainerSpec(blobs, stored), backup.id)
    const mounts = new Map<string, { content: MountContent; facts: ContentFacts }>()
    const own: Base['mounts'][number][] = []
    for (const parts of contents.mounts) {
      const { description, content } = await readMount(blobs, parts)
      const { kind, source, ...facts } = fromMountDescription(description)
      mounts.set(`${kind} ${source}`, { content, facts })
      if (spec.mounts.some(({ id }) => id === facts.id)) own.push({ source, label: facts.label, entries: facts.entries, dataBytes: facts.dataBytes })
    }
    return { id: backup.id, spec, images: contents.images, mounts: own, mountOf: target => mounts.get(`${target.kind} ${target.kind === 'volume' ? target.name : target.path}`), dumpOf: name => mounts.get(`dump ${name}`)?.facts }
  } catch (thrown) {
    if (!(thrown instanceof DrayError)) throw thrown
    warn(`the last backup, ${backup.id}, cannot be used to skip what is unchanged: ${thrown.message}; everything is read`)
    return undefined
  }
}

/** The mounts of several bases: a mount that more than one holds is taken from the newest. */
export function mountsOfAll(bases: readonly Base[]): Pick<Base, 'mountOf'> {
  const newestFirst = [...bases].sort((one, other) => (one.id < other.id ? 1 : -1))
  return {
    mountOf: target => {
      for (const base of newestFirst) {
        const mount = base.mountOf(target)
        if (mount !== undefined) return mount
      }
      return undefined
    },
  }
}
