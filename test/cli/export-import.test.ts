import '../one-realm.ts'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { childAnnotationNames } from '../../src/store/backup-summary.ts'
import { hexOf } from '../../src/store/digest.ts'
import { readBackup } from '../../src/store/backup-graph.ts'
import type { Index } from '../../src/store/oci.ts'
import { run, type CommandResult } from '../lab/command.ts'
import { savedFiles, tarOf } from '../images/example-image.ts'
import { backUpTree, layerOf, makeTree, type TreeBackup } from '../unit/integrity/tree-backup.ts'
import { scratch, type Scratch } from '../unit/store/scratch.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
let at: Scratch
let first: TreeBackup
const ids = ['night-1', 'night-2']

const cli = (...args: string[]): Promise<CommandResult> => run(process.execPath, [dray, ...args], { cwd: at.folder, env: { PATH: process.env['PATH'], HOME: at.folder, XDG_STATE_HOME: at.folder, DRAY_REPO: at.path } })
const shell = (script: string): Promise<CommandResult> => run('bash', ['-c', `set -o pipefail; dray() { "${process.execPath}" "${dray}" "$@"; }; ${script}`], { cwd: at.folder, env: { PATH: process.env['PATH'], HOME: at.folder, XDG_STATE_HOME: at.folder, DRAY_REPO: at.path } })
const lastOf = ({ stdout }: CommandResult): Record<string, unknown> => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
const member = (file: string, name: string): Buffer => spawnSync('tar', ['-xOf', join(at.folder, file), name]).stdout
const listed = async (repository: string): Promise<string[]> => (lastOf(await cli('list', '-r', repository, '--json'))['backups'] as { id: string }[]).map(({ id }) => id)

beforeAll(async () => {
  at = await scratch()
  await using repository = await at.open()
  const tree = await makeTree()
  first = await backUpTree(repository, tree, layerOf('one'), { id: 'night-1', created: '2026-01-01T00:00:00.000Z' })
  await named(repository, 'night-2', tree)
})
afterAll(async () => {
  await at[Symbol.asyncDispose]()
})

/** A backup whose image has a role and a name. */
async function named(repository: Awaited<ReturnType<Scratch['open']>>, id: string, tree: Buffer): Promise<void> {
  const [image] = (await readBackup(repository.blobs, first.summary.descriptor)).images
  const annotations = { [childAnnotationNames.imageRole]: 'original', [childAnnotationNames.imageNames]: '["box:1"]', [childAnnotationNames.container]: 'web' }
  await backUpTree(repository, tree, layerOf('one'), { id, created: '2026-01-02T00:00:00.000Z', images: [{ ...image!, annotations }] })
}

test.each(['tar', 'tar.gz', 'tar.zst'])('backups go through a .%s into another repository, with their ids', async format => {
  const file = `all.${format}`
  const exported = await cli('export', ...ids, '-o', file, '--json')
  expect(exported).toMatchObject({ exitCode: 0, stderr: '' })
  expect(lastOf(exported)).toMatchObject({ backups: [{ id: 'night-1' }, { id: 'night-2' }], images: [{ names: ['box:1', 'drayage/image:night-1-1'], uses: [{ backup: 'night-2', role: 'original', container: 'web' }, { backup: 'night-1', role: 'image' }] }] })
  expect(lastOf(exported)['bytes']).toBe((await stat(join(at.folder, file))).size)
  expect((await stat(join(at.folder, file))).mode & 0o777).toBe(0o600)
  const verified = await cli('verify', file)
  expect(verified.exitCode).toBe(0)
  expect(verified.stdout).toMatch(/which holds backups\n\nBACKUP[^]*night-1 .*web[^]*night-2 .*web[^]*\nVALID: dray import takes the backups into a repository/)
  const target = `to-${format}`
  expect(await cli('import', file, '-r', target)).toMatchObject({ exitCode: 0, stdout: 'night-1\nnight-2\n' })
  expect(await cli('verify', '-r', target, '--deep')).toMatchObject({ exitCode: 0 })
  expect(await readdir(join(at.folder, target, 'drayage/tmp'))).toEqual([])
  expect(lastOf(await cli('import', file, '-r', target, '--json'))).toMatchObject({ exitCode: 0, added: [], present: [{ id: 'night-1' }, { id: 'night-2' }], newBlobs: 0 })
})

test('the file is an OCI layout and a docker archive over the same members, each blob once', async () => {
  await cli('export', ...ids, '-o', 'layout.tar')
  const names = spawnSync('tar', ['-tf', join(at.folder, 'layout.tar')]).stdout.toString().trim().split('\n')
  expect(names.slice(0, 3)).toEqual(['oci-layout', 'index.json', 'manifest.json'])
  expect(new Set(names).size).toBe(names.length)
  for (const name of names.filter(each => each.startsWith('blobs/'))) expect(createHash('sha256').update(member('layout.tar', name)).digest('hex')).toBe(name.slice('blobs/sha256/'.length))
  const { manifests } = JSON.parse(member('layout.tar', 'index.json').toString()) as Index
  const own = (JSON.parse(await readFile(join(at.path, 'index.json'), 'utf8')) as Index).manifests
  expect(manifests.slice(0, 2)).toEqual(own.map(each => ({ ...each, annotations: { ...each.annotations, 'io.containerd.image.name': `docker.io/drayage/backup:${each.annotations!['org.opencontainers.image.ref.name']!}` } })))
  const [image] = JSON.parse(member('layout.tar', 'manifest.json').toString()) as { Config: string; RepoTags: string[]; Layers: string[] }[]
  expect(image!.RepoTags).toEqual(['box:1', 'drayage/image:night-1-1'])
  expect(gunzipSync(member('layout.tar', image!.Layers[0]!))).toEqual(layerOf('one'))
  expect(names).toEqual(expect.arrayContaining([image!.Config, ...image!.Layers]))
})

test('--image-only writes images alone, which become a backup of images', async () => {
  expect(await cli('export', 'latest', 'web', '--image-only', '-o', 'image.tar.gz')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\S+image\.tar\.gz: 1 image, 3 blobs/) })
  expect(await cli('import', 'image.tar.gz', '-r', 'images', '--tag', 'release')).toMatchObject({ exitCode: 0 })
  const [backup] = lastOf(await cli('list', '-r', 'images', '--json'))['backups'] as Record<string, unknown>[]
  expect(backup).toMatchObject({ containers: [], images: ['box:1'], tags: ['release'], origin: 'file image.tar.gz' })
})

describe('pipes', () => {
  test('export | import', async () => {
    const { exitCode, stdout, stderr } = await shell('dray export latest web -o - --format tar.zst | dray import - -r piped')
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'night-2\n' })
    expect(stderr).toContain('dray: what was written: 1 backup, 1 image')
    expect(await cli('verify', '-r', 'piped', '--deep')).toMatchObject({ exitCode: 0 })
  })

  test('in any order of members, as another tar writes them', async () => {
    const { exitCode, stdout } = await shell('dray export night-1 -o order.tar && mkdir order && tar -xf order.tar -C order && tar -cC order blobs manifest.json index.json oci-layout | dray import - -r ordered -q')
    expect({ exitCode, stdout: stdout.split('\n').at(-2) }).toEqual({ exitCode: 0, stdout: 'night-1' })
    expect(await cli('verify', '-r', 'ordered', '--deep')).toMatchObject({ exitCode: 0 })
  })

  test('a reader that ends early is a failure, not success', async () => {
    const { stdout } = await shell('dray export night-1 night-2 -o - 2>err | head -c 100 > /dev/null; echo ${PIPESTATUS[0]}; tail -2 err')
    expect(stdout).toMatch(/^30\ndray: error: who reads from stdout has ended before the end\n/)
  })
})

describe('what docker and others save becomes a backup of images', () => {
  test.each(['', '| gzip', '| xz', '| bzip2'])('from a file and from a pipe, %j', async pack => {
    await writeFile(join(at.folder, 'saved.tar'), tarOf(savedFiles()))
    const target = `saved${pack.replace(/\W/g, '')}`
    const { exitCode, stdout, stderr } = await shell(`cat saved.tar ${pack} > saved.any && dray import saved.any -r ${target} -q && cat saved.any | dray import - -r ${target} -q`)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout.trim().split('\n')).toHaveLength(2)
    expect(await cli('verify', '-r', target, '--deep')).toMatchObject({ exitCode: 0 })
    const backups = lastOf(await cli('list', '-r', target, '--json'))['backups'] as { images: string[]; origin: string }[]
    expect(backups.map(({ origin }) => origin)).toEqual(['file saved.any', 'stdin'])
    expect(backups[0]!.images.length).toBeGreaterThan(0)
    // the second one found every blob
    const [one, other] = await Promise.all([0, 1].map(each => cli('show', stdout.trim().split('\n')[each]!, '-r', target)))
    expect(one!.stdout.split('\n').slice(1)).toEqual(other!.stdout.split('\n').slice(1))
  })
})

describe('what is damaged', () => {
  let bytes: Buffer
  beforeAll(async () => {
    await cli('export', ...ids, '-o', 'sound.tar')
    bytes = await readFile(join(at.folder, 'sound.tar'))
  })

  test.each([
    ['cut in a blob', () => bytes.subarray(0, bytes.length - 5000)],
    ['cut between members', () => bytes.subarray(0, bytes.length - 1024)],
    ['a bit of a blob', () => flipped(bytes, bytes.length - 4000)],
    ['a bit of the list', () => flipped(bytes, bytes.indexOf('night-2'))],
  ] as const)('%s: not imported, from a file or a pipe, and nothing is kept of a file', async (_what, make) => {
    await writeFile(join(at.folder, 'bad.tar'), make())
    await rm(join(at.folder, 'bad'), { recursive: true, force: true })
    expect(await cli('verify', 'bad.tar')).toMatchObject({ exitCode: 20 })
    expect(await cli('import', 'bad.tar', '-r', 'bad')).toMatchObject({ exitCode: 20, stdout: '', stderr: expect.stringContaining('dray: error: "bad.tar" is damaged; nothing was imported:') })
    expect(await readdir(join(at.folder, 'bad/blobs/sha256'))).toEqual([])
    expect(await shell('cat bad.tar | dray import - -r bad')).toMatchObject({ exitCode: 20, stdout: '' })
    expect(await listed('bad')).toEqual([])
    expect(await readdir(join(at.folder, 'bad/drayage/tmp'))).toEqual([])
  })

  test.each([['a text', 'hello\n', 'a text file'], ['nothing', '', 'empty: it has no bytes']])('%s is 21', async (_what, content, looks) => {
    await writeFile(join(at.folder, 'other'), content)
    expect(await cli('import', 'other', '-r', 'bad')).toMatchObject({ exitCode: 21, stderr: expect.stringMatching(new RegExp(`^dray: error: .*holds no image and no backup; nothing was imported: it is ${looks}(?![^]*Warning)`)) })
  })

  test.each(['helm-chart', 'dir-transport'])('%s is whole, and nothing that can be imported: 21, from a file or a pipe', async name => {
    const file = fileURLToPath(new URL(`../../../fixtures/archives/${name}.tar`, import.meta.url))
    expect(await cli('import', file, '-r', 'bad')).toMatchObject({ exitCode: 21, stdout: '', stderr: expect.stringContaining('holds nothing that can be imported: it is an image archive') })
    expect(await shell(`cat ${file} | dray import - -r bad`)).toMatchObject({ exitCode: 21, stdout: '' })
    expect(await listed('bad')).toEqual([])
  })

  test('a blob of the repository: exit 20, and what was at the file\'s place stays', async () => {
    const blob = join(at.path, 'blobs/sha256', hexOf(first.content.chunks[2]!.digest))
    const before = await readFile(blob)
    await writeFile(join(at.folder, 'old.tar'), 'old')
    const names = await readdir(at.folder)
    for (const [content, what] of [[flipped(before, 100), 'does not have the content that its name says'], [before.subarray(1), 'does not have the content that its name says'], [undefined, 'is missing in .*']] as const) {
      await (content === undefined ? rm(blob) : writeFile(blob, content))
      expect(await cli('export', 'night-1', '-o', 'old.tar')).toMatchObject({ exitCode: 20, stdout: '', stderr: expect.stringMatching(new RegExp(`${what}\ndray: hint: dray verify night-1 says what it costs`)) })
    }
    await writeFile(blob, before)
    expect(await readFile(join(at.folder, 'old.tar'), 'utf8')).toBe('old')
    expect(await readdir(at.folder)).toEqual(names)
  })
})

test('another backup under one of the ids is a conflict, and nothing of the file is listed', async () => {
  await using other = await scratch()
  await using repository = await other.open()
  await backUpTree(repository, await makeTree(), layerOf('other'), { id: 'night-2' })
  await cli('export', ...ids, '-o', 'both.tar')
  expect(await cli('import', 'both.tar', '-r', other.path)).toMatchObject({ exitCode: 12, stderr: expect.stringContaining('there is another backup "night-2" in') })
  expect(await listed(other.path)).toEqual(['night-2'])
})

describe('what is asked for wrongly', () => {
  beforeAll(() => mkdir(join(at.folder, 'folder'), { recursive: true }))

  test.each<[string[], number, string]>([
    [['export', 'night-1'], 2, 'say where to write it'],
    [['export', 'night-1', '-o', 'web.zip'], 2, '"web.zip" does not say what it is to be'],
    [['export', 'night-1', '-o', 'repo/x.tar'], 2, '"repo/x.tar" lies in the repository itself'],
    [['export', 'night-1', '-o', 'folder', '--format', 'tar'], 12, 'is a directory'],
    [['export', 'night-1', '-o', '/dev/null', '--format', 'tar'], 12, 'is not a regular file'],
    [['export', 'night-1', '-o', 'no/such/x.tar'], 11, 'there is no folder'],
    [['export', 'night-3', '-o', 'x.tar'], 11, 'there is no backup "night-3"'],
    [['import', 'no.tar'], 11, 'there is no file "no.tar"'],
    [['import', 'folder'], 2, '"folder" is a directory'],
  ])('dray %j', async (args, exitCode, message) => {
    expect(await cli(...args)).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(message) })
  })

  test('--json beside the tar', async () => {
    expect(lastOf(await cli('export', 'night-1', '-o', '-', '--json'))).toMatchObject({ exitCode: 2, error: { message: 'with -o - the tar itself goes to stdout: there is no place for --json' } })
  })

  test('a terminal gets no tar', () => {
    const { stdout } = spawnSync('script', ['-qec', `"${process.execPath}" "${dray}" export night-1 -o -`, '/dev/null'], { env: { PATH: process.env['PATH'], HOME: at.folder, DRAY_REPO: at.path }, input: '' })
    expect(stdout.toString()).toContain('dray: error: a terminal shows nothing of a tar\r\n')
  })
})

function flipped(bytes: Buffer, position: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[position]! ^= 1
  return changed
}
