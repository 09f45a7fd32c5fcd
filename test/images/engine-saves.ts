import { readFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeImageArchive } from '../../src/archive/write-image-archive.ts'
import { must } from '../lab/command.ts'
import type { EngineName } from '../lab/engines.ts'
import { startHost, type LabHost } from '../lab/host.ts'
import { collect, sha256 } from './saved-image.ts'

/** What `docker save` of a real engine writes, by what was saved. */
export type EngineSaves = ReadonlyMap<string, Buffer>

/** Images of a few kilobytes, saved in every way that `docker save` has. */
export async function makeEngineSaves(engine: EngineName): Promise<EngineSaves> {
  await using host = await startHost({ engine })
  await makeImages(host)
  const id = (await docker(host, 'images', '--no-trunc', '--quiet', 'one:1')).trim()
  const nameless = (await docker(host, 'commit', await createdOf(host, 'two:1'))).trim()
  return new Map([
    ['one', await save(host, 'one:1')],
    ['several layers', await save(host, 'two:1')],
    ['two names of one image', await save(host, 'two:1', 'two:other')],
    ['several images', await save(host, 'one:1', 'two:1', 'localhost:5000/some/where:v1.2-3')],
    ['all tags of a name', await save(host, 'two')],
    ['by id', await save(host, id)],
    ['without a name', await save(host, nameless)],
    ['layers that occur twice', await save(host, 'twice:1')],
  ])
}

export async function save(host: LabHost, ...names: readonly string[]): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'drayage-saves-'))
  try {
    await docker(host, 'save', '--output', join(folder, 'save.tar'), ...names)
    return await readFile(join(folder, 'save.tar'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

export async function docker(host: LabHost, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await host.docker(args)
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
  return stdout
}

async function makeImages(host: LabHost): Promise<void> {
  await must('bash', ['-c', `set -eo pipefail; dir=$(mktemp -d); trap 'rm -r "$dir"' EXIT; cd "$dir"; mkdir -p etc; echo one > etc/one; ln -s one etc/two; head -c 3000 /dev/urandom > etc/three
    tar --numeric-owner -c . | docker --host "unix://${host.socket}" import --change 'CMD ["/one"]' - one:1`])
  await docker(host, 'tag', await commitWith(host, 'one:1', 'more'), 'two:1')
  await docker(host, 'tag', 'two:1', 'two:other')
  await docker(host, 'tag', await commitWith(host, 'two:1', 'far'), 'localhost:5000/some/where:v1.2-3')
  const layer = await layerOf('again')
  await load(host, await archiveOf('twice:1', [layer, await layerOf('between'), layer]))
}

/** The id of an image with one more layer, which holds a file of that name. */
async function commitWith(host: LabHost, image: string, name: string): Promise<string> {
  const container = await createdOf(host, image)
  const { exitCode, stderr } = await host.docker(['cp', '-', `${container}:/`], { input: await layerOf(name) })
  if (exitCode !== 0) throw new Error(stderr)
  return (await docker(host, 'commit', container)).trim()
}

async function createdOf(host: LabHost, image: string): Promise<string> {
  return (await docker(host, 'create', image, 'none')).trim()
}

export async function load(host: LabHost, archive: Buffer): Promise<string> {
  const { exitCode, stdout, stderr } = await host.docker(['load'], { input: archive })
  if (exitCode !== 0) throw new Error(stderr)
  return stdout
}

export async function layerOf(name: string): Promise<Buffer> {
  return await collect(writeImageArchive([{ name, size: 5, body: Buffer.from('12345') }]))
}

/** As engines up to 24 save; `without`: positions of layers that are not put in. */
export async function archiveOf(name: string, layers: readonly Buffer[], without: readonly number[] = []): Promise<Buffer> {
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: layers.map(sha256) } }))
  const paths = layers.map(layer => `${sha256(layer).slice(7)}.tar`)
  const files = new Map(layers.flatMap((layer, at) => (without.includes(at) ? [] : [[paths[at]!, layer]])))
  const manifest = Buffer.from(JSON.stringify([{ Config: `${sha256(config).slice(7)}.json`, RepoTags: [name], Layers: paths }]))
  return await collect(writeImageArchive([...files, [`${sha256(config).slice(7)}.json`, config] as const, ['manifest.json', manifest] as const].map(([path, body]) => ({ name: path, size: body.length, body }))))
}
