/**
 * `npm run bench:travel`: push, pull and export of a backup beside `skopeo copy` of it, and of an image of as many bytes in a few layers, in
 * the same run. Each round has a registry of its own: what one has under any name is taken over from there, by both, and nothing is sent.
 * Exit code 1 when dray is slower than skopeo with the same backup.
 */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { openRepository } from '../../src/store/repository.ts'
import { beginRun, endRun } from '../lab/lab-run.ts'
import { startRegistry } from '../lab/registry.ts'
import { backUp, noise } from '../unit/store/scratch.ts'
import { runTimed } from './timed-process.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
const megabytes = Number(process.env['DRAY_BENCH_MB'] ?? 400)
const layers = 8
const rounds = 3

const labRun = await beginRun()
const folder = await mkdtemp(join(tmpdir(), 'drayage-bench-travel-'))
try {
  const repository = join(folder, 'repo')
  const { id, bytes } = await makeBackup(repository)
  await makeImage(join(folder, 'image'), bytes)
  const env = { ...process.env, HOME: folder, XDG_STATE_HOME: folder, XDG_CACHE_HOME: folder, DOCKER_CONFIG: folder }
  const ours = async (...args: readonly string[]): Promise<number> => (await runTimed(process.execPath, [dray, ...args, '-q'], { env })).seconds
  const theirs = async (...args: readonly string[]): Promise<number> => (await runTimed('skopeo', ['copy', '--quiet', ...args], { env })).seconds
  const fresh = async (name: string): Promise<string> => {
    const path = join(folder, name)
    await rm(path, { recursive: true, force: true })
    return path
  }
  const image = `oci:${join(folder, 'image')}:1`
  const backup = `oci:${repository}:${id}`
  const all: Record<string, (address: string) => Promise<number>> = {
    'dray push': address => ours('push', id, `${address}/dray`, '-r', repository, '--insecure'),
    'skopeo copy to a registry, the backup': address => theirs('--all', '--dest-tls-verify=false', backup, `docker://${address}/backup:1`),
    'skopeo copy to a registry, an image': address => theirs('--dest-tls-verify=false', image, `docker://${address}/image:1`),
    'dray pull': async address => ours('pull', `${address}/dray:${id}`, '-r', await fresh('pulled'), '--insecure'),
    'skopeo copy from a registry, the backup': async address => theirs('--all', '--src-tls-verify=false', `docker://${address}/backup:1`, `oci:${await fresh('copied-backup')}:1`),
    'skopeo copy from a registry, an image': async address => theirs('--src-tls-verify=false', `docker://${address}/image:1`, `oci:${await fresh('copied')}:1`),
    'dray export': async () => ours('export', id, '-o', await fresh('exported.tar'), '-r', repository),
    'skopeo copy to a file, the backup': async () => theirs('--all', backup, `oci-archive:${await fresh('copied-backup.tar')}:1`),
    'skopeo copy to a file, an image': async () => theirs(image, `oci-archive:${await fresh('copied.tar')}:1`),
  }
  const best: Record<string, number> = {}
  for (let round = 0; round < rounds; round++) {
    await using registry = await startRegistry()
    for (const [name, measure] of Object.entries(all)) best[name] = Math.min(best[name] ?? Infinity, await measure(registry.address))
  }
  console.log(`${(bytes / 1e6).toFixed(0)} MB`)
  for (const [name, value] of Object.entries(best)) console.log(`${value.toFixed(2).padStart(6)} s  ${(bytes / 1e6 / value).toFixed(0).padStart(5)} MB/s  ${name}`)
  const verdicts = [['dray push', 'skopeo copy to a registry'], ['dray pull', 'skopeo copy from a registry'], ['dray export', 'skopeo copy to a file']].map(([one = '', other = '']) => {
    const ratio = (what: string): number => (best[one] ?? Infinity) / (best[`${other}, ${what}`] ?? 0)
    return { one, other, ratio: ratio('the backup'), ofImage: ratio('an image') }
  })
  for (const { one, other, ratio, ofImage } of verdicts) console.log(`${ratio <= 1 ? 'met   ' : 'MISSED'}  ${one} takes ${ratio.toFixed(2)} of the time of ${other}; ${ofImage.toFixed(2)} of that for an image of as many bytes in ${layers} layers`)
  process.exitCode = verdicts.every(({ ratio }) => ratio <= 1) ? 0 : 1
} finally {
  await rm(folder, { recursive: true })
  await endRun(labRun)
}

/** Of one mount of noise; `bytes` are those of its blobs. */
async function makeBackup(path: string): Promise<{ readonly id: string; readonly bytes: number }> {
  await using repository = await openRepository(path, { create: true })
  const { id } = await backUp(repository, noise(megabytes * 1e6))
  return { id, bytes: megabytes * 1e6 }
}

/** An OCI layout of an image of few layers, which nothing has to be packed for: what skopeo is best at. */
async function makeImage(path: string, bytes: number): Promise<void> {
  await mkdir(join(path, 'blobs/sha256'), { recursive: true })
  const put = async (data: Buffer, mediaType: string): Promise<{ mediaType: string; digest: string; size: number }> => {
    const hex = createHash('sha256').update(data).digest('hex')
    await writeFile(join(path, 'blobs/sha256', hex), data)
    return { mediaType, digest: `sha256:${hex}`, size: (await stat(join(path, 'blobs/sha256', hex))).size }
  }
  const plain = Array.from({ length: layers }, () => noise(Math.floor(bytes / layers)))
  const blobs = []
  for (const each of plain) blobs.push(await put(gzipSync(each, { level: 1 }), 'application/vnd.oci.image.layer.v1.tar+gzip'))
  const config = await put(Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: plain.map(each => `sha256:${createHash('sha256').update(each).digest('hex')}`) } })), 'application/vnd.oci.image.config.v1+json')
  const manifest = await put(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config, layers: blobs })), 'application/vnd.oci.image.manifest.v1+json')
  await writeFile(join(path, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': '1' } }] }))
  await writeFile(join(path, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
}
