import { DrayError } from '../errors/dray-error.ts'
import { isLocal, type LocalRepository, type Repository } from '../store/repository.ts'

/** For what cannot be done in a registry. Throws `usage`. */
export function requireLocal(repository: Repository, what: string): LocalRepository {
  if (isLocal(repository)) return repository
  throw new DrayError('usage', `${what} is for repositories in a folder: "${repository.path}" is in a registry`, { hints: ['name a folder with --repo'] })
}

/** Blobs cannot be deleted in a registry: what nothing refers to any more goes by itself, or by whoever runs it. */
export const registryFreesSpace = 'what no backup needs is freed by the garbage collection of the registry itself (of distribution: registry garbage-collect CONFIG)'
