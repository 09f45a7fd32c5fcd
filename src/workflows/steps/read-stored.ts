import { DrayError } from '../../errors/dray-error.ts'
import { missingBlobs, readBackup, readContainerSpec, readMount } from '../../store/backup-graph.ts'
import type { BackupSummary } from '../../store/backup-summary.ts'
import type { Repository } from '../../store/repository.ts'
import { parseContainerSpec } from '../container-spec.ts'
import { fromMountDescription } from '../mount-description.ts'
import type { StoredContainer, StoredMount } from '../restore-plan.ts'

/** Throws `damaged`, before anything is touched, when a blob of the backup is not there. */
export async function readStored(repository: Repository, backup: BackupSummary, container: string | undefined): Promise<StoredContainer> {
  const { blobs } = repository
  const missing = await missingBlobs(blobs, backup.descriptor)
  if (missing.length > 0) throw new DrayError('damaged', `backup "${backup.id}" is incomplete: ${missing.length} of its blobs are missing, "${missing[0] ?? ''}" first`, { hints: ['try an older backup: dray list'] })
  const contents = await readBackup(blobs, backup.descriptor)
  const chosen = chooseContainer(contents.containers, backup, container)
  const spec = parseContainerSpec(await readContainerSpec(blobs, chosen), backup.id)
  const mounts: StoredMount[] = []
  for (const { id } of spec.mounts) {
    const parts = contents.mounts.find(mount => mount.id === id)
    if (parts === undefined) throw new DrayError('damaged', `backup "${backup.id}" lacks the mount "${id}" that its spec names`, { hints: ['try an older backup: dray list'] })
    const { description, content } = await readMount(blobs, parts)
    mounts.push({ described: fromMountDescription(description), content })
  }
  return { backup, contents, spec, mounts }
}

function chooseContainer<Container extends { readonly name: string }>(containers: readonly Container[], { id }: BackupSummary, wanted: string | undefined): Container {
  const [first, second] = containers
  if (first === undefined) throw new DrayError('not-found', `backup "${id}" holds images alone, no container`, { hints: [`dray show ${id}`] })
  if (wanted === undefined && second !== undefined) throw new DrayError('usage', `backup "${id}" holds several containers: ${containers.map(({ name }) => name).join(', ')}`, { hints: [`name one: dray restore ${id} ${first.name}`] })
  const chosen = wanted === undefined ? first : containers.find(({ name }) => name === wanted)
  if (chosen === undefined) throw new DrayError('not-found', `backup "${id}" holds no container "${wanted ?? ''}"`, { hints: [`it holds: ${containers.map(({ name }) => name).join(', ')}`] })
  return chosen
}
