import type { MountPoint } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { kindOfBind } from '../../mounts/bind-kind.ts'
import type { MountTarget } from '../../mounts/mount-access.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { volumeTarget } from '../steps/write-mount.ts'
import { isVolume, type UsesMount } from '../volumes/at-rest.ts'
import { listVolumes } from '../volumes/list-volumes.ts'
import { requireVolume } from '../volumes/require-volume.ts'

/** A mount whose data is to be packed. `path`: where containers have it, if all of them agree. */
export type PackSource = { readonly target: MountTarget; readonly label: string; readonly path: string | undefined; readonly isUsedBy: UsesMount }

/** VOLUME, or CONTAINER:MOUNT, where MOUNT is a path in the container or the name of a volume that it has. */
export async function findPackSource({ run, engine, temporary }: { readonly run: Run; readonly engine: Engine; readonly temporary: TemporaryJournal }, text: string): Promise<PackSource> {
  const { signal } = run
  const [, container, mount] = /^([^:/]+):(.+)$/.exec(text) ?? []
  if (container === undefined || mount === undefined) return await volumeSource(engine, text, signal)
  const inspect = await engine.containers.inspect(container, { signal })
  const found = inspect.Mounts.find(({ Destination, Name, Source }) => [Destination, Name, Source].includes(mount.replace(/(.)\/+$/, '$1')))
  if (found === undefined) throw new DrayError('not-found', `container "${nameOf(inspect)}" has no mount "${mount}"`, { hints: [inspect.Mounts.length === 0 ? 'it has none' : `it has: ${inspect.Mounts.map(({ Destination }) => Destination).join(', ')}`] })
  if (found.Type === 'volume') return { ...(await volumeSource(engine, found.Name ?? '', signal)), label: text, path: found.Destination }
  if (found.Type !== 'bind') throw new DrayError('usage', `"${mount}" of container "${nameOf(inspect)}" is a mount of type ${found.Type}: it has no data of its own`, { hints: ['name a volume or a bind mount'] })
  const kind = await kindOfBind({ engine, path: found.Source, run: run.id, journal: temporary, signal })
  if (kind !== 'directory') throw new DrayError('usage', `"${found.Source}" is ${kind === 'missing' ? 'not there' : 'a single file, and a volume is filled from a folder'}`, { hints: kind === 'missing' ? ['name a mount that is there'] : [`a single file: docker cp ${nameOf(inspect)}:${found.Destination} .`] })
  return { target: { kind: 'directory', path: found.Source }, label: text, path: found.Destination, isUsedBy: ({ Type, Source }: MountPoint) => Type === 'bind' && Source === found.Source }
}

async function volumeSource(engine: Engine, name: string, signal: AbortSignal): Promise<PackSource> {
  await requireVolume(engine, name, signal)
  const users = (await listVolumes(engine, signal)).find(({ kind, source }) => kind === 'volume' && source === name)?.users ?? []
  const paths = [...new Set(users.map(({ path }) => path))]
  return { target: await volumeTarget(engine, name, signal), label: name, path: paths.length === 1 ? paths[0] : undefined, isUsedBy: isVolume(name) }
}
