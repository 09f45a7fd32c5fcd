import { parseReference, type Reference } from '../registry/reference.ts'
import type { RegistryRepository } from '../registry/registry-repository.ts'
import { readIndex } from '../store/documents.ts'
import { childAnnotationNames as child, type BackupSummary } from '../store/backup-summary.ts'
import type { Repository } from '../store/repository.ts'
import { sendBackup, type SendReport } from '../store/send-backup.ts'
import { whileTransferring, type Reporter } from './reporter.ts'

/** More would only be asked in vain. */
const mostNames = 3

export type PushJob = { readonly repository: Pick<Repository, 'blobs'>; readonly backup: BackupSummary; readonly to: RegistryRepository; readonly tag?: string | undefined; readonly knownNames: readonly string[]; readonly reporter: Reporter }

/** Sends a backup to a registry. The caller holds the repository's shared lock. */
export async function pushBackup({ repository, backup, to, tag, knownNames, reporter }: PushJob): Promise<SendReport> {
  const names = [...(await imageNames(repository, backup, to.registry.host)), ...knownNames].filter((name, at, all) => name !== to.name && all.indexOf(name) === at)
  return await whileTransferring(reporter, `backup ${backup.id} to ${to.path}`, transfer => sendBackup({
    from: repository.blobs, to, backup, tag, mountFrom: names.slice(0, mostNames), onTotal: bytes => transfer.expect(bytes), onBytes: bytes => transfer.add(bytes),
  }))
}

/** The names that its images have in this registry: their layers are there. */
async function imageNames({ blobs }: Pick<Repository, 'blobs'>, { descriptor }: BackupSummary, registry: string): Promise<string[]> {
  const { manifests } = await readIndex(blobs, descriptor)
  return manifests.flatMap(({ annotations }) => namesOf(annotations?.[child.imageNames])).flatMap(name => nameIn(name, registry))
}

function namesOf(text: string | undefined): string[] {
  const names: unknown = text === undefined ? [] : JSON.parse(text)
  return Array.isArray(names) ? names.map(String) : []
}

function nameIn(image: string, registry: string): string[] {
  const reference = parsed(image)
  return reference?.registry === registry ? [reference.name] : []
}

function parsed(image: string): Reference | undefined {
  try {
    return parseReference(image)
  } catch {
    return undefined
  }
}
