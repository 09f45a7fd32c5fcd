import { childAnnotationNames as child, type BackupSummary } from '../store/backup-summary.ts'
import { readIndex } from '../store/documents.ts'
import type { Repository } from '../store/repository.ts'
import { DrayError } from '../errors/dray-error.ts'
import { replacedTag } from './steps/choose-backup.ts'

/** One container of one engine on one host, or one image or volume of it that was backed up alone: what a policy counts backups of. */
export type Subject = { readonly kind: 'container' | 'image' | 'volume'; readonly name: string; readonly host: string; readonly engine: string }

export type GroupedBackup = {
  readonly backup: BackupSummary
  /** Empty for one that holds neither a container nor an image, that cannot be read, or that is the way back of a restore. */
  readonly subjects: readonly Subject[]
}

export function subjectKey({ kind, name, host, engine }: Subject): string {
  return JSON.stringify([kind, name, host, engine])
}

/** Every backup with what it is a backup of, oldest first. Only those of images alone are looked into. */
export async function groupBackups({ blobs }: Pick<Repository, 'blobs'>, backups: readonly BackupSummary[]): Promise<GroupedBackup[]> {
  const grouped: GroupedBackup[] = []
  for (const backup of backups) {
    const { host, engine } = backup
    const names = backup.tags.includes(replacedTag) ? [] : backup.containers
    const volumes = backup.tags.includes(replacedTag) ? [] : (backup.volumes ?? [])
    const images = names.length + volumes.length > 0 || backup.tags.includes(replacedTag) ? [] : await imagesOf(blobs, backup)
    grouped.push({ backup, subjects: [...names.map(name => ({ kind: 'container' as const, name, host, engine })), ...images.map(name => ({ kind: 'image' as const, name, host, engine })), ...volumes.map(name => ({ kind: 'volume' as const, name, host, engine }))] })
  }
  return grouped
}

/** Names of the images that were backed up alone; the id of one without a name. */
async function imagesOf(blobs: Repository['blobs'], { descriptor }: BackupSummary): Promise<string[]> {
  try {
    const { manifests } = await readIndex(blobs, descriptor)
    return [...new Set(manifests.filter(({ annotations }) => annotations?.[child.imageRole] === 'image').flatMap(({ annotations = {} }) => {
      const names: unknown = JSON.parse(annotations[child.imageNames] ?? '[]')
      return Array.isArray(names) && names.length > 0 ? names.map(String) : [annotations[child.imageId] ?? '']
    }))]
  } catch (thrown) {
    if ((thrown instanceof DrayError && thrown.code === 'damaged') || thrown instanceof SyntaxError) return []
    throw thrown
  }
}
