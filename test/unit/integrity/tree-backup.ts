import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { Readable } from 'node:stream'
import { checkRepository, type RepositoryCheckJob, type RepositoryReport } from '../../../src/integrity/check-repository.ts'
import type { MountReader } from '../../../src/mounts/mount-access.ts'
import { readBackup, readMount } from '../../../src/store/backup-graph.ts'
import type { NewBackup } from '../../../src/store/backup-graph.ts'
import type { BackupSummary } from '../../../src/store/backup-summary.ts'
import { ChunkStore } from '../../../src/store/chunk-store.ts'
import type { MountContent } from '../../../src/store/mount-manifest.ts'
import type { LocalRepository } from '../../../src/store/repository.ts'
import { captureMount } from '../../../src/workflows/steps/capture-mount.ts'
import { backUp, noise, putSmallImage } from '../store/scratch.ts'

/** What GNU tar makes of a tree with files small and large, links and odd names. */
export async function makeTree(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'dray-tree-'))
  try {
    mkdirSync(join(folder, 'sub'))
    for (let at = 0; at < 12; at++) writeFileSync(join(folder, `small-${String(at).padStart(2, '0')}`), noise(200 + 40 * at))
    writeFileSync(join(folder, 'sub', 'large'), noise(30_000))
    linkSync(join(folder, 'sub', 'large'), join(folder, 'sub', 'name'))
    symlinkSync('large', join(folder, 'sub', 'symlink'))
    writeFileSync(join(folder, 'umlaut-\u00e4'), 'x')
    return tarOf(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

export function tarOf(folder: string): Buffer {
  const { stdout, status } = spawnSync('tar', ['--create', '--file=-', '--format=pax', '--sort=name', '--numeric-owner', '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime', '-C', folder, '.'], { maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error('tar failed')
  return stdout
}

/** A reader that has nothing but this tar. */
function readerOf(tar: Buffer): MountReader {
  return {
    kind: 'api', losses: [], canList: false,
    sync: () => Promise.resolve('0.000000000'),
    list: () => { throw new Error('not to be listed') },
    stream: () => ({ tar: Readable.from([tar], { objectMode: false }), problems: Promise.resolve([]) }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

export type TreeBackup = { readonly summary: BackupSummary; readonly content: MountContent }

/** A backup of one container with an image and the tree in volume "data", as backup makes it. */
export async function backUpTree(repository: LocalRepository, tar: Buffer, layer: Buffer, more: Partial<NewBackup> = {}): Promise<TreeBackup> {
  const { signal } = new AbortController()
  const store = new ChunkStore(repository)
  const image = await putSmallImage(repository, layer)
  const { content, facts } = await captureMount({ reader: readerOf(tar), repository, store, transfer: { add: () => undefined, expect: () => undefined, end: () => undefined }, signal })
  await store.flush()
  const spec = { format: 1, inspect: {}, images: [{ digest: image.digest }], mounts: [{ id: 'm1', destinations: ['/data'] }] }
  const summary = await backUp(repository, Buffer.alloc(0), {
    images: [image], containers: [{ name: 'web', spec }], mounts: [{ description: { id: 'm1', kind: 'volume', source: 'data', label: 'data', ...facts }, content }], ...more,
  })
  return { summary, content }
}

export async function contentOf(repository: LocalRepository, { descriptor }: BackupSummary): Promise<MountContent> {
  const [mount] = (await readBackup(repository.blobs, descriptor)).mounts
  if (mount === undefined) throw new Error('the backup has no mount')
  return (await readMount(repository.blobs, mount)).content
}

export async function check(repository: LocalRepository, more: Partial<RepositoryCheckJob> = {}): Promise<RepositoryReport> {
  return await checkRepository({ repository, level: 'full', share: 1, repairs: true, onTotal: () => undefined, onBytes: () => undefined, signal: new AbortController().signal, ...more })
}

/** An uncompressed layer: a whole tar. */
export function layerOf(name: string): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0)
  block.write('0000644\u00000000000\u00000000000\u000000000000000\u000000000000000\u0000        0', 100)
  block.write('ustar\u000000', 257)
  block.write(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\u0000 `, 148)
  return Buffer.concat([block, Buffer.alloc(1024)])
}
