/**
 * What is forgotten leaves the list in the same write that says so: index.json names the backup indexes that go, and then they
 * go. So a backup that is stored and not on the list was forgotten by a run that was killed between the two, or the list is an
 * older one: the first is named there, the second is not. Should index.json be lost at that moment, `drayage/forgotten.json`, which is
 * written before it and removed in the end, still names them.
 */
import { readFile, rm } from 'node:fs/promises'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { syncFolder, writeFileAtomically } from '../files/atomic-file.ts'
import { readDigests } from './digest.ts'
import type { Digest, Index } from './oci.ts'
import type { LocalRepository } from './repository.ts'

const annotation = 'dev.drayage.forgotten'

/** The list without these, naming them. What the list named before is given up: finishForgetting comes first. */
export function withoutForgotten(index: Index, forgotten: ReadonlySet<Digest>): Index {
  const { annotations = {}, manifests, ...rest } = index
  const named = Object.entries(annotations).filter(([name]) => name !== annotation)
  if (forgotten.size > 0) named.push([annotation, JSON.stringify([...forgotten])])
  return { ...rest, manifests: manifests.filter(({ digest }) => !forgotten.has(digest)), ...(named.length === 0 ? {} : { annotations: Object.fromEntries(named) }) }
}

/** Before they leave the list. What was announced before is given up: finishForgetting comes first. */
export async function announceForgetting(repository: LocalRepository, digests: readonly Digest[]): Promise<void> {
  await writeFileAtomically(repository.paths.forgotten, JSON.stringify(digests) + '\n', { temporaryFolder: await repository.temporaryFolder() })
}

/** The backup indexes that were forgotten last. One that is on the list, again or still, is none of them. */
export async function findForgotten({ paths }: LocalRepository, { manifests, annotations }: Pick<Index, 'manifests' | 'annotations'>): Promise<Set<Digest>> {
  const announced = await readFile(paths.forgotten, 'utf8').catch((thrown: unknown) => {
    if (errnoOf(thrown) === 'ENOENT') return '[]'
    throw fromSystemError(thrown, 'cannot read', paths.forgotten)
  })
  const forgotten = new Set([...readDigests(annotations?.[annotation]), ...readDigests(announced)])
  for (const { digest } of manifests) forgotten.delete(digest)
  return forgotten
}

/** Removes their indexes, so that no repair lists them again, also after a forget that was killed. Under the exclusive lock. */
export async function finishForgetting(repository: LocalRepository, index: Index): Promise<void> {
  const { blobs, paths } = repository
  let removed = false
  for (const digest of await findForgotten(repository, index)) {
    if (blobs.statNow(digest) === undefined) continue
    await blobs.remove(digest)
    removed = true
  }
  if (removed) await syncFolder(paths.blobs)
  await rm(paths.forgotten, { force: true })
}
