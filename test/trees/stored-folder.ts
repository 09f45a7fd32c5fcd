import { spawn } from 'node:child_process'
import type { MountReader } from '../../src/mounts/mount-access.ts'
import { createArguments } from '../../src/mounts/tar-arguments.ts'
import { addBackup, type NewBackup } from '../../src/store/backup-graph.ts'
import { newBackupId, type BackupSummary } from '../../src/store/backup-summary.ts'
import { ChunkStore } from '../../src/store/chunk-store.ts'
import type { MountDescription } from '../../src/store/mount-manifest.ts'
import type { Repository } from '../../src/store/repository.ts'
import { captureMount } from '../../src/workflows/steps/capture-mount.ts'

/** A mount to be stored: the folder that holds its data, and what is said of it. */
export type FolderMount = { readonly folder: string; readonly id: string; readonly source: string; readonly destination: string; readonly more?: object }

/** A backup of one container with these mounts, their data read by GNU tar as a host's reader does it, names sorted by their bytes. */
export async function backUpFolders(repository: Repository, folders: readonly FolderMount[], more: Partial<NewBackup> = {}): Promise<BackupSummary> {
  await using lock = await repository.lock('shared', { command: 'backup web', waitMs: 60_000 })
  const { signal } = new AbortController()
  const store = new ChunkStore(repository)
  const mounts: NewBackup['mounts'][number][] = []
  for (const { folder, id, source, destination, more: other } of folders) {
    const { content, facts } = await captureMount({ reader: readerOf(folder), repository, store, transfer: { add: () => undefined, expect: () => undefined, end: () => undefined }, signal })
    const description = { id, kind: source.startsWith('/') ? 'directory' : 'volume', source, label: source, anonymous: false, destinations: [{ path: destination, readOnly: false }], reader: 'host', losses: [], problems: [], ...facts, ...other }
    mounts.push({ description: JSON.parse(JSON.stringify(description)) as MountDescription, content })
  }
  await store.flush()
  const spec = { format: 1, inspect: { Name: '/web' }, images: [], leftOut: [{ destination: '/run/lock', source: 'tmpfs', reason: 'tmpfs is memory', canBeAsked: false }], mounts: folders.map(({ id, destination }) => ({ id, destinations: [destination] })) }
  return await addBackup(repository, { id: newBackupId(), created: new Date().toISOString(), host: 'here', engine: 'ENGINE', run: 'run-1', tags: [], images: [], containers: [{ name: 'web', spec }], mounts, ...more }, lock)
}

function readerOf(folder: string): MountReader {
  return {
    kind: 'host', losses: [], canList: false,
    sync: () => Promise.resolve('0.000000000'),
    list: () => { throw new Error('not to be listed') },
    stream: () => {
      const tar = spawn('sh', ['-c', 'cd "$1" && shift && find . -print0 | LC_ALL=C sort -z | exec tar "$@"', 'sh', folder, ...createArguments], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, LC_ALL: 'C' } })
      const exited = new Promise<[]>((resolve, reject) => tar.once('exit', code => (code === 0 ? resolve([]) : reject(new Error(`tar ended with ${code}`)))))
      return { tar: tar.stdout, problems: exited }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}
