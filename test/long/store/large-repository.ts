import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { toAnnotations } from '../../../src/store/backup-summary.ts'
import { mediaTypes, type Descriptor } from '../../../src/store/oci.ts'
import { initRepository, repositoryPaths } from '../../../src/store/repository.ts'

/**
 * A repository of many backups of one container, a night each, the newest of last night. All chunks are a backup's own, and a
 * few bytes long. Written without any sync, and long ago.
 */
export async function makeLargeRepository(path: string, backups: number, chunks: number): Promise<void> {
  await initRepository(path)
  const paths = repositoryPaths(path)
  const written: string[] = []
  const put = (bytes: Buffer, mediaType: string): Descriptor => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    const file = join(paths.blobs, hex)
    writeFileSync(file, bytes, { mode: 0o600 })
    written.push(file)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  const document = (content: object, mediaType: string): Descriptor => put(Buffer.from(JSON.stringify(content)), mediaType)
  const empty = put(Buffer.from('{}'), mediaTypes.empty)
  const platform = { os: 'unknown', architecture: 'unknown' }
  const listed: Descriptor[] = []
  mkdirSync(paths.blobs, { recursive: true })
  for (let number = 0; number < backups; number++) {
    const created = new Date(Date.now() - (backups - number) * 86_400_000).toISOString()
    const layers = Array.from({ length: chunks }, (_, chunk) => put(Buffer.from(`chunk ${chunk} of ${number}`), mediaTypes.chunkZstd))
    const config = document({ format: 1, mount: { id: 'm1' }, number }, mediaTypes.mountConfig)
    const mount = document({ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: mediaTypes.mount, config, layers }, mediaTypes.manifest)
    const spec = document({ format: 1, number }, mediaTypes.containerConfig)
    const container = document({ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: mediaTypes.container, config: spec, layers: [empty] }, mediaTypes.manifest)
    const annotations = toAnnotations({ id: `night-${String(number).padStart(4, '0')}`, created, host: 'here', engine: 'E', run: 'r', containers: ['web'], tags: [], lacks: [], bytes: 0 })
    const index = document({ schemaVersion: 2, mediaType: mediaTypes.index, artifactType: mediaTypes.backup, manifests: [{ ...container, artifactType: mediaTypes.container, platform }, { ...mount, artifactType: mediaTypes.mount, platform }], annotations }, mediaTypes.index)
    listed.push({ ...index, artifactType: mediaTypes.backup, annotations })
  }
  for (let at = 0; at < written.length; at += 256) await Promise.all(written.slice(at, at + 256).map(file => utimes(file, 1, 1)))
  const index = JSON.parse(readFileSync(paths.index, 'utf8')) as object
  writeFileSync(paths.index, JSON.stringify({ ...index, manifests: listed }))
}
