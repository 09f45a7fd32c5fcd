/** Understands BACKUP[:MOUNT[/PATH]] and finds what it names. */
import { posix } from 'node:path'
import { readName, showName } from '../../archive/byte-names.ts'
import { DrayError, messageOf } from '../../errors/dray-error.ts'
import { isLostContent } from '../../errors/lost-content.ts'
import { didYouMean } from '../../errors/similar-name.ts'
import { readBackup, readContainerSpec, type BackupContents } from '../../store/backup-graph.ts'
import type { BackupSummary } from '../../store/backup-summary.ts'
import { ChunkReader } from '../../store/chunk-reader.ts'
import type { ChunkSource } from '../../store/content-reader.ts'
import { readMountContent, readMountPart, type MountContent } from '../../store/mount-manifest.ts'
import type { Descriptor } from '../../store/oci.ts'
import type { Repository } from '../../store/repository.ts'
import { parseContainerSpec, type ContainerSpec } from '../container-spec.ts'
import { fromMountDescription, type DescribedMount } from '../mount-description.ts'
import { chooseBackup } from '../steps/choose-backup.ts'

/** A mount of a backup, its content not read yet. */
export type LookedMount = { readonly described: DescribedMount; readonly parts: readonly Descriptor[] }

export type LookedBackup = { readonly backup: BackupSummary; readonly contents: BackupContents; readonly specs: readonly ContainerSpec[]; readonly mounts: readonly LookedMount[]; /** Ids of those that cannot be read any more. */ readonly lostMounts: readonly string[] }

export type Place = {
  readonly looked: LookedBackup
  readonly mount: LookedMount
  readonly content: MountContent
  readonly source: ChunkSource
  /** As it was typed below the mount, without slashes around it: "" for all of the mount. May be a glob. */
  readonly typed: string
}

export type LookJob = { readonly repository: Repository; /** Of this container, for `latest` and where a backup holds several. */ readonly container: string | undefined; readonly warn: (text: string) => void }

/** `BACKUP:rest`; without a colon `rest` is undefined. */
export function splitPlace(text: string): { readonly backup: string; readonly rest: string | undefined } {
  const colon = text.indexOf(':')
  return colon < 0 ? { backup: text, rest: undefined } : { backup: text.slice(0, colon), rest: text.slice(colon + 1) }
}

/** What a backup holds, read from its documents alone. */
export async function lookInto({ repository, container, warn }: LookJob, wanted: string): Promise<LookedBackup> {
  return await readLooked(repository, await chooseBackup(repository, wanted, container, warn), container)
}

/** The same of a backup that may be damaged: which spec or mount cannot be read is told, and the others are there. */
export async function lookIntoWhatIsLeft({ repository, container, warn }: LookJob, wanted: string): Promise<LookedBackup> {
  return await readLooked(repository, await chooseBackup(repository, wanted, container, warn), container, async (reading, what, backup) => {
    try {
      return await reading
    } catch (thrown) {
      if (!isLostContent(thrown)) throw thrown
      warn(`${what} in backup ${backup} cannot be read: ${messageOf(thrown)}`)
      return undefined
    }
  })
}

type PassOver = <T>(reading: Promise<T>, what: string, backup: string) => Promise<T | undefined>

export async function readLooked({ blobs }: Repository, backup: BackupSummary, container?: string, passOver: PassOver = reading => reading): Promise<LookedBackup> {
  const contents = await readBackup(blobs, backup.descriptor)
  const specs: ContainerSpec[] = []
  const chosen = contents.containers.filter(({ name }) => container === undefined || name === container)
  if (chosen.length === 0 && container !== undefined) throw new DrayError('not-found', `backup "${backup.id}" holds no container "${container}"`, { hints: contents.containers.length === 0 ? [] : [`it holds: ${contents.containers.map(({ name }) => name).join(', ')}`] })
  for (const each of chosen) {
    const spec = await passOver(readContainerSpec(blobs, each), `the spec of "${each.name}"`, backup.id)
    if (spec !== undefined) specs.push(parseContainerSpec(spec, backup.id))
  }
  const own = container === undefined || specs.length < chosen.length ? undefined : new Set(specs.flatMap(({ mounts, dump }) => [...mounts.map(({ id }) => id), ...(dump === undefined ? [] : [dump.mount])]))
  const mounts: LookedMount[] = []
  const lostMounts: string[] = []
  for (const { id, parts } of contents.mounts.filter(each => own?.has(each.id) ?? true)) {
    const [first] = parts
    if (first === undefined) throw new DrayError('damaged', `mount "${id}" of backup "${backup.id}" has no manifest`)
    const part = await passOver(readMountPart(blobs, first), `mount "${id}"`, backup.id)
    if (part === undefined) lostMounts.push(id)
    else mounts.push({ described: fromMountDescription(part.description), parts })
  }
  return { backup, contents, specs, mounts, lostMounts }
}

/** The mount and the path that `rest` names; `not-found` with what there is. */
export async function findPlace(repository: Repository, looked: LookedBackup, rest: string): Promise<Place> {
  const { mount, typed } = findMount(looked, rest)
  const { content } = await readMountContent(repository.blobs, mount.parts)
  return { looked, mount, content, source: new ChunkReader(repository.blobs), typed }
}

/** Volume name, path on the host, paths in the containers, and id in the backup; of a dump CONTAINER.dump. */
export function namesOfMount({ described: { id, kind, label, source, destinations } }: LookedMount): string[] {
  return kind === 'dump' ? [label, id] : [source, ...destinations.map(({ path }) => path), id]
}

/** The name of a mount for BACKUP:MOUNT/PATH: of an anonymous volume the path in its container. */
export function shortNameOf({ described: { kind, label, source, anonymous, destinations } }: LookedMount): string {
  return kind === 'dump' ? label : anonymous ? (destinations[0]?.path ?? source) : source
}

function findMount(looked: LookedBackup, rest: string): { readonly mount: LookedMount; readonly typed: string } {
  const wanted = rest.length > 1 ? rest.replace(/\/+$/, '') : rest
  const found: { readonly mount: LookedMount; readonly name: string }[] = []
  for (const mount of looked.mounts) {
    for (const name of namesOfMount(mount)) {
      if (wanted === name || wanted.startsWith(name === '/' ? name : `${name}/`)) found.push({ mount, name })
    }
  }
  const longest = Math.max(...found.map(({ name }) => name.length))
  const best = [...new Map(found.filter(({ name }) => name.length === longest).map(each => [each.mount, each])).values()]
  const [only, second] = best
  if (only === undefined) throw noMount(looked, wanted)
  if (second !== undefined) throw new DrayError('usage', `"${only.name}" names several mounts of backup "${looked.backup.id}": ${best.map(({ mount }) => `${shortNameOf(mount)} (${mount.described.id})`).join(', ')}`, { hints: [`name it by its volume or id, as in ${looked.backup.id}:${only.mount.described.id}`, 'or choose the container with --container'] })
  return { mount: only.mount, typed: normalPath(wanted.slice(only.name.length), wanted) }
}

function normalPath(path: string, wanted: string): string {
  const inside = posix.normalize(`./${path}`).replace(/^\.\/|\/+$/g, '')
  if (inside === '..' || inside.startsWith('../')) throw new DrayError('usage', `"${wanted}" leads out of the mount`)
  return inside === '.' ? '' : inside
}

function noMount({ backup: { id }, mounts, specs, lostMounts }: LookedBackup, wanted: string): DrayError {
  if (lostMounts.length > 0) return new DrayError('damaged', `backup "${id}" holds no mount "${wanted}", unless it is one that cannot be read any more: ${lostMounts.join(', ')}`, { hints: [`what is lost: dray verify ${id}`] })
  const leftOut = specs.flatMap(spec => spec.leftOut).find(({ destination, source }) => [destination, source].some(name => wanted === name || wanted.startsWith(`${name}/`)))
  if (leftOut !== undefined) return new DrayError('not-found', `backup "${id}" does not hold ${leftOut.destination}: ${leftOut.reason}`)
  const names = mounts.flatMap(namesOfMount)
  const shown = mounts.map(mount => `${shortNameOf(mount)} (${mount.described.kind === 'dump' ? 'a dump' : `at ${mount.described.destinations.map(({ path }) => path).join(', ')}`})`)
  return new DrayError('not-found', `backup "${id}" holds no mount "${wanted}"`, { hints: [...didYouMean(wanted.startsWith('/') ? wanted : (wanted.split('/')[0] ?? ''), names), shown.length === 0 ? 'it has no mounts' : `its mounts: ${shown.join('; ')}`, ...(wanted.startsWith('/') ? ['what a container wrote outside of its mounts lies in its image, and comes back with it'] : [])] })
}

/** "./a/b" of "a/b", in bytes; "." of "". */
export function pathOfTyped(typed: string): Buffer {
  return typed === '' ? Buffer.from('.') : Buffer.concat([Buffer.from('./'), readName(typed)])
}

/** `BACKUP:MOUNT/PATH` of an entry, escaped, as it can be typed again; a mount that is a single file is that file. */
export function placeText({ backup, mount }: { readonly backup: string; readonly mount: LookedMount }, path: Buffer): string {
  const name = shortNameOf(mount)
  return path.length <= 1 || mount.described.kind === 'file' ? `${backup}:${name}` : `${backup}:${name === '/' ? '' : name}/${showName(path.subarray(2))}`
}
