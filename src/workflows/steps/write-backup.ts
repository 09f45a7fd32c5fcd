import { nameOf } from '../../engine/spec/spec-record.ts'
import { addBackup } from '../../store/backup-graph.ts'
import type { BackupSummary } from '../../store/backup-summary.ts'
import type { Descriptor } from '../../store/oci.ts'
import type { CapturedAll } from '../backup.ts'
import { newBackupFacts } from '../backup-facts.ts'
import type { ContainerSpec } from '../container-spec.ts'
import { toMountDescription } from '../mount-description.ts'
import { projectLabel } from './choose-containers.ts'
import { findLacks } from './find-lacks.ts'
import type { Member } from './look-at-containers.ts'
import { storedMounts } from './read-mounts.ts'

/** All is in the repository: the backup is written, and exists from now on. An image that several containers have is in it once. */
export async function writeBackup(state: CapturedAll): Promise<BackupSummary> {
  const { run, engine, repository, lock, options, members, opened, atRest: { reports }, images, store, dumps } = state
  await store.flush()
  const project = projectOf(members)
  const facts = {
    ...newBackupFacts(run, engine, options.tags),
    ...(project === undefined ? {} : { project }),
    lacks: findLacks({ withImage: options.withImage, plans: members.map(({ plan }) => plan), opened, reports }),
  }
  const descriptors = new Map<string, Descriptor>()
  for (const { descriptor } of members.flatMap(({ spec: { inspect } }) => images.get(inspect.Id) ?? [])) if (!descriptors.has(descriptor.digest)) descriptors.set(descriptor.digest, descriptor)
  const containers = members.map((member, at) => ({ name: nameOf(member.spec.inspect), spec: toSpec(state, member, at) }))
  run.signal.throwIfAborted()
  return await addBackup(repository, { ...facts, images: [...descriptors.values()], containers, mounts: [...storedMounts(opened, reports), ...dumps.map(({ described, content }) => ({ description: toMountDescription(described), content }))] }, lock)
}

function toSpec({ options, merged, images, dumps, atRest: { freezes, writableLayers } }: CapturedAll, { spec, plan }: Member, at: number): ContainerSpec {
  const { Id } = spec.inspect
  const layer = writableLayers.get(Id)
  const fingerprint = layer !== undefined && 'how' in layer && layer.how !== 'empty' ? layer.fingerprint : undefined
  const freeze = freezes[at]
  const dump = dumps.find(({ container }) => container === nameOf(spec.inspect))
  if (freeze === undefined) throw new RangeError(`nothing is known of the rest of "${nameOf(spec.inspect)}"`)
  return {
    format: 1,
    drayage: options.version,
    ...spec,
    images: (images.get(Id) ?? []).map(({ facts }) => facts),
    mounts: merged.mountedBy[at] ?? [],
    leftOut: [...plan.leftOut, ...plan.missing],
    freeze,
    ...(dump === undefined ? {} : { dump: { mount: dump.described.id } }),
    ...(fingerprint === undefined ? {} : { writableLayer: { fingerprint, container: Id } }),
  }
}

/** Where all of them are of one. */
function projectOf(members: readonly Member[]): string | undefined {
  const [project, ...others] = new Set(members.map(({ spec }) => spec.inspect.Config.Labels?.[projectLabel]))
  return others.length === 0 ? project : undefined
}
