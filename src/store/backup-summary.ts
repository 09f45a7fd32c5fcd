import { randomBytes } from 'node:crypto'
import { DrayError } from '../errors/dray-error.ts'
import { mediaTypes, type Descriptor } from './oci.ts'

/** The annotations of a backup, in index.json and in the backup index itself; lists are JSON arrays of strings. */
export const annotationNames = {
  id: 'org.opencontainers.image.ref.name',
  created: 'org.opencontainers.image.created',
  host: 'dev.drayage.host',
  engine: 'dev.drayage.engine',
  run: 'dev.drayage.run',
  project: 'dev.drayage.project',
  containers: 'dev.drayage.containers',
  tags: 'dev.drayage.tags',
  bytes: 'dev.drayage.bytes',
  lacks: 'dev.drayage.lacks',
  volumes: 'dev.drayage.volumes',
  origin: 'dev.drayage.origin',
} as const

/** On the children of a backup index. */
export const childAnnotationNames = {
  container: 'dev.drayage.container',
  mount: 'dev.drayage.mount',
  part: 'dev.drayage.part',
  /** Of an image: `original`, `commit`, `flattened`, or `image` for one that was backed up alone. */
  imageRole: 'dev.drayage.image.role',
  /** Of an image: a JSON array of its names. */
  imageNames: 'dev.drayage.image.names',
  /** On an image: its id on the engine that it came from. */
  imageId: 'dev.drayage.image.id',
} as const

export type BackupFacts = {
  /** A legal registry tag: see isBackupId. */
  readonly id: string
  /** RFC 3339, in UTC. */
  readonly created: string
  readonly host: string
  /** The engine's id. */
  readonly engine: string
  readonly run: string
  readonly project?: string
  readonly containers: readonly string[]
  /** Of a backup of volumes alone: their names. */
  readonly volumes?: readonly string[]
  readonly tags: readonly string[]
  /** Plain bytes of the mounts and stored bytes of the images. */
  readonly bytes: number
  /** What of the containers' own is not in it, in words: none for a complete one. */
  readonly lacks: readonly string[]
  /** Of images that came out of a file: the file, in words. */
  readonly origin?: string
}

export type BackupSummary = BackupFacts & { readonly descriptor: Descriptor }

export function isBackupId(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(text)
}

/** Ascends with time, and is unique without asking: 20260131-040506-1a2b3c. */
export function newBackupId(at: Date = new Date()): string {
  const [day, time] = at.toISOString().replaceAll(/[-:]|\..*/g, '').split('T')
  return `${day ?? ''}-${time ?? ''}-${randomBytes(3).toString('hex')}`
}

export function toAnnotations({ id, created, host, engine, run, project, containers, volumes = [], tags, bytes, lacks, origin }: BackupFacts): Record<string, string> {
  return {
    [annotationNames.id]: id,
    [annotationNames.created]: created,
    [annotationNames.host]: host,
    [annotationNames.engine]: engine,
    [annotationNames.run]: run,
    ...(project === undefined ? {} : { [annotationNames.project]: project }),
    [annotationNames.containers]: JSON.stringify(containers),
    [annotationNames.tags]: JSON.stringify(tags),
    [annotationNames.bytes]: String(bytes),
    ...(volumes.length === 0 ? {} : { [annotationNames.volumes]: JSON.stringify(volumes) }),
    ...(lacks.length === 0 ? {} : { [annotationNames.lacks]: JSON.stringify(lacks) }),
    ...(origin === undefined ? {} : { [annotationNames.origin]: origin }),
  }
}

/** Undefined for what is not a backup of ours. Throws `damaged` for one that says nothing about itself. */
export function toSummary(descriptor: Descriptor): BackupSummary | undefined {
  if (descriptor.artifactType !== mediaTypes.backup) return undefined
  const { annotations = {} } = descriptor
  const text = (name: string) => annotations[name] ?? ''
  const id = text(annotationNames.id)
  if (!isBackupId(id)) throw new DrayError('damaged', `the backup "${descriptor.digest}" has no id`, { hints: ['dray doctor --repair reads it from the backup itself'] })
  const project = annotations[annotationNames.project]
  const volumes = toList(text(annotationNames.volumes))
  const origin = annotations[annotationNames.origin]
  return {
    id, created: text(annotationNames.created), host: text(annotationNames.host), engine: text(annotationNames.engine), run: text(annotationNames.run),
    ...(project === undefined ? {} : { project }), ...(origin === undefined ? {} : { origin }),
    containers: toList(text(annotationNames.containers)), ...(volumes.length === 0 ? {} : { volumes }), tags: toList(text(annotationNames.tags)), bytes: Number(text(annotationNames.bytes)) || 0, lacks: toList(text(annotationNames.lacks)), descriptor,
  }
}

function toList(text: string): string[] {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) ? list.filter(item => typeof item === 'string') : []
  } catch {
    return []
  }
}
