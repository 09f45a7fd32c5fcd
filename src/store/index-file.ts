import { readFile } from 'node:fs/promises'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { acquireOwnerLock, assertHeld } from '../files/owner-lock.ts'
import { parseIndex } from './documents.ts'
import { mediaTypes, type Index } from './oci.ts'
import type { LocalRepository } from './repository.ts'

const waitMs = 60_000

/** index.json, whole. Throws `damaged` when it is missing or not an index. */
export async function readIndexFile({ paths }: Pick<LocalRepository, 'paths'>): Promise<Index> {
  const hints = ['dray doctor --repair builds it again from what is stored']
  try {
    return parseIndex(await readFile(paths.index), `"${paths.index}"`)
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') throw new DrayError('damaged', `"${paths.index}" is missing`, { cause: thrown, hints })
    if (thrown instanceof DrayError) throw new DrayError(thrown.code, thrown.message, { cause: thrown, hints })
    throw fromSystemError(thrown, 'cannot read', paths.index)
  }
}

/** Changes index.json under a short lock of its own: parallel backups lose nothing. `change` gets the newest list; entries of other programs stay. `changed` is called under the lock too. */
export async function changeIndexFile(repository: LocalRepository, change: (index: Index) => Index | Promise<Index>, changed?: () => Promise<void>): Promise<void> {
  await using lock = await acquireOwnerLock(repository.paths.indexLock, 'exclusive', { command: 'change index.json', waitMs })
  const index = await change(await readIndexFile(repository))
  await assertHeld(lock, `"${repository.paths.index}"`)
  await writeIndexFile(repository, index)
  await changed?.()
}

/** For changeIndexFile and repair, under their locks. */
export async function writeIndexFile(repository: LocalRepository, index: Pick<Index, 'manifests'> & Partial<Index>): Promise<void> {
  const content = { schemaVersion: 2, mediaType: mediaTypes.index, ...index }
  await writeFileAtomically(repository.paths.index, JSON.stringify(content, null, 1) + '\n', { temporaryFolder: await repository.temporaryFolder() })
}
