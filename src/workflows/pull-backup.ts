import type { OwnerLock } from '../files/owner-lock.ts'
import { receiveBackup, type ReceiveReport } from '../store/receive-backup.ts'
import type { RegistryRepository } from '../registry/registry-repository.ts'
import { RegistryBlobs } from '../store/registry-blobs.ts'
import type { Repository } from '../store/repository.ts'
import { whileTransferring, type Reporter } from './reporter.ts'

export type PullJob = { readonly from: RegistryRepository; readonly tag: string; readonly repository: Repository; readonly lock: OwnerLock; readonly reporter: Reporter }

/** Brings a backup from a registry into the repository. */
export async function pullBackup({ from, tag, repository, lock, reporter }: PullJob): Promise<ReceiveReport> {
  return await whileTransferring(reporter, `backup ${tag} from ${from.path}`, transfer => receiveBackup({
    from: new RegistryBlobs(from), tag, to: repository, lock, onTotal: bytes => transfer.expect(bytes), onBytes: bytes => transfer.add(bytes),
  }))
}
