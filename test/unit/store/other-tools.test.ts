import '../../one-realm.ts'
import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { listBackups } from '../../../src/store/backup-list.ts'
import type { Index } from '../../../src/store/oci.ts'
import { backUp, noise, putSmallImage, scratch, sha256 } from './scratch.ts'

function run(command: string, args: readonly string[], options: { input?: Buffer; cwd?: string; env?: NodeJS.ProcessEnv } = {}): string {
  const { error, status, stdout, stderr } = spawnSync(command, args, { maxBuffer: 1 << 28, ...options })
  if (error) throw new Error(`this test needs "${command}": apt-get install skopeo zstd jq tar`, { cause: error })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.toString()}`)
  return stdout.toString()
}

test('skopeo reads and copies the image of a backup', async () => {
  await using at = await scratch()
  await using repository = await at.open()
  const layer = join(at.folder, 'layer')
  await writeFile(layer, 'hello')
  run('tar', ['-C', at.folder, '-cf', `${layer}.tar`, 'layer'])
  const tar = await readFile(`${layer}.tar`)
  const { id } = await backUp(repository, noise(10_000), { images: [await putSmallImage(repository, tar)] })
  const select = ['--override-os', 'linux', '--override-arch', 'amd64']
  const inspected = JSON.parse(run('skopeo', [...select, 'inspect', `oci:${at.path}:${id}`])) as { Os: string; Architecture: string; Layers: string[] }
  expect(inspected).toMatchObject({ Os: 'linux', Architecture: 'amd64', Layers: [expect.stringMatching(/^sha256:/)] })
  const target = join(at.folder, 'copy')
  run('skopeo', [...select, '--insecure-policy', 'copy', `oci:${at.path}:${id}`, `dir:${target}`])
  const copied = run('sh', ['-c', `gzip -dc "${target}/${inspected.Layers[0]!.slice(7)}" | sha256sum`])
  expect(`sha256:${copied.slice(0, 64)}`).toBe(sha256(tar))
  run('skopeo', ['--insecure-policy', 'copy', '--all', `oci:${at.path}:${id}`, `oci:${target}-all:${id}`])
  const names = await readdir(join(`${target}-all`, 'blobs', 'sha256'))
  expect(names).toHaveLength((await readdir(repository.paths.blobs)).length)
})

test('what another tool copies into the directory stays beside the backups', async () => {
  await using at = await scratch()
  await using repository = await at.open()
  const image = await putSmallImage(repository, noise(1000))
  const { id } = await backUp(repository, noise(10_000), { images: [image] })
  run('skopeo', ['--insecure-policy', '--override-os', 'linux', '--override-arch', 'amd64', 'copy', `oci:${at.path}:${id}`, `oci:${at.path}:other`])
  expect((await listBackups(repository)).map(backup => backup.id)).toEqual([id])
  await backUp(repository, noise(10), { id: 'next' })
  const { manifests } = JSON.parse(await readFile(repository.paths.index, 'utf8')) as Index
  expect(manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name']).sort()).toEqual([id, 'next', 'other'].sort())
})

/** What docs/recovery-by-hand.md says under these marks, for this repository and backup. */
async function recipe(marks: readonly string[], values: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(new URL('../../../../docs/recovery-by-hand.md', import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/^```sh ([a-z-]+)\n([\s\S]*?)^```/gm)].filter(([, mark]) => marks.includes(mark ?? '')).map(([, , block]) => block ?? '')
  if (blocks.length < marks.length) throw new Error(`the document has lost a block of ${marks.join(', ')}`)
  return Object.entries(values).reduce((script, [name, value]) => script.replace(new RegExp(`^${name}=.*$`, 'm'), `${name}=${value}`), blocks.join(''))
}

test('docs/recovery-by-hand.md restores a mount without dray', async () => {
  await using at = await scratch()
  await using repository = await at.open()
  const folder = join(at.folder, 'source')
  await mkdir(folder)
  await writeFile(join(folder, 'numbers'), Array.from({ length: 50_000 }, (_, i) => String(i)).join('\n'))
  run('tar', ['-C', folder, '-cf', `${at.folder}/data.tar`, 'numbers'])
  const { id } = await backUp(repository, await readFile(`${at.folder}/data.tar`))
  const target = join(at.folder, 'restored')
  const said = run('sh', ['-eu', '-c', await recipe(['restore-by-hand'], { REPO: at.path, ID: id, MOUNT: 'm1', TARGET: target })])
  expect(said).toContain('["m1",')
  expect(await readFile(join(target, 'numbers'))).toEqual(await readFile(join(folder, 'numbers')))
}, 30_000)

test('docs/recovery-by-hand.md gets the spec and an image that docker loads, and finds backups that no index lists', async () => {
  await using at = await scratch()
  await using repository = await at.open()
  const image = await putSmallImage(repository, noise(10_000))
  const spec = { inspect: { Name: '/web', Config: { Image: 'web:1', Env: ['COLOUR=blue'] }, HostConfig: {}, Mounts: [{ Type: 'volume', Name: 'data', Destination: '/data' }], NetworkSettings: { Networks: { front: {} } } } }
  const { id, descriptor } = await backUp(repository, noise(10_000), { images: [image], containers: [{ name: 'web', spec }] })
  const script = await recipe(['restore-by-hand', 'spec-by-hand', 'image-by-hand'], { REPO: at.path, ID: id, MOUNT: 'm1', CONTAINER: 'web' })
  const steps = script.replace(/^for chunk in [^|]*\|[^|]*\|\n.*\n/m, '')
  const said = run('sh', ['-eu', '-c', steps], { cwd: at.folder })
  expect(said).toContain('"COLOUR=blue"')
  expect(JSON.parse(await readFile(join(at.folder, 'spec.json'), 'utf8'))).toEqual(spec)
  const inspected = JSON.parse(run('skopeo', ['--override-os', 'linux', '--override-arch', 'amd64', 'inspect', `docker-archive:${at.folder}/image.tar`])) as { Layers: string[] }
  expect(inspected.Layers).toHaveLength(1)
  const found = run('sh', ['-eu', '-c', await recipe(['find-by-hand'], {})], { env: { ...process.env, REPO: at.path } })
  expect(found.trim()).toBe(join(at.path, 'blobs/sha256', descriptor.digest.slice('sha256:'.length)))
}, 30_000)
