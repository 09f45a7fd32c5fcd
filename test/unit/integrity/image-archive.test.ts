import '../../one-realm.ts'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import { savedFiles, blobPath, configOf, json as toJson, layers as exampleLayers, tarOf as rawTarOf } from '../../images/example-image.ts'
import { check, imageFiles, layerOf, sha256, tarOf, verdictOf, type Files } from './image-files.ts'

const layers = [await layerOf('one'), await layerOf('two')]
const good = (): Files => imageFiles(layers)
const layerPath = `blobs/sha256/${sha256(layers[0]!)}`
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

function changed(change: (files: Files) => void, files = good()): Promise<Buffer> {
  change(files)
  return tarOf(files)
}

const textOf = (files: Files, name: string): string => (files.get(name) as Buffer).toString()
const manifestOf = (files: Files) => JSON.parse(textOf(files, 'manifest.json')) as [Record<string, unknown>]
const withManifest = (change: (item: Record<string, unknown>) => void) => changed(files => {
  const manifest = manifestOf(files)
  change(manifest[0])
  files.set('manifest.json', json(manifest))
})

test('an image of two views is valid, and the summary names it', async () => {
  const { verdict, what, images, findings } = await check(await tarOf(good()))
  expect({ verdict, what, findings }).toEqual({ verdict: 'valid', what: 'an image archive with manifest.json and index.json', findings: [] })
  expect(images).toMatchObject([
    { view: 'manifest.json', names: ['box:1'], platform: 'linux/amd64', layers: 2 },
    { view: 'index.json', names: ['docker.io/library/box:1'], platform: 'linux/amd64', layers: 2 },
  ])
})

test.each<[string, () => Promise<Buffer>]>([
  ['layers in gzip', () => tarOf(imageFiles(layers, { gzip: true }))],
  ['gzip around it', async () => gzipSync(await tarOf(good()))],
  ['xz around it', async () => execFileSync('xz', ['-c'], { input: await tarOf(good()) })],
  ['bzip2 around it', async () => execFileSync('bzip2', ['-c'], { input: await tarOf(good()) })],
  ['zstd around it', async () => execFileSync('zstd', ['-c'], { input: await tarOf(good()) })],
  ['names with "./"', () => tarOf([...good()].map(([name, content]) => [`./${name}`, content] as const))],
  ['names without names', () => withManifest(item => (item['RepoTags'] = null))],
  ['keys in lower case', () => changed(files => files.set('manifest.json', json(manifestOf(files).map(item => Object.fromEntries(Object.entries(item).map(([key, value]) => [key.toLowerCase(), value]))))))],
  ['manifest.json alone', () => changed(files => {
    files.delete('index.json')
    files.delete('oci-layout')
  })],
  ['index.json alone', () => changed(files => files.delete('manifest.json'))],
  ['a layer that is a link to another member', () => changed(files => {
    files.set('layer.tar', files.get(layerPath)!)
    files.set(layerPath, { linkTo: '../../layer.tar' })
  })],
  ['one layer twice', () => tarOf(imageFiles([layers[0]!, layers[0]!]))],
  ['a member twice with the same content', async () => tarOf([...good(), ['manifest.json', good().get('manifest.json')!]])],
  ['an empty layer', () => tarOf(imageFiles([Buffer.alloc(1024), layers[0]!]))],
])('valid: %s', async (_, make) => {
  expect(await verdictOf(await make())).toBe('valid')
})

test.each<[string, string, () => Promise<Buffer>]>([
  ['a layer is missing', 'damaged left-out', () => changed(files => files.delete(layerPath))],
  ['a layer is another', 'damaged digest-mismatch diff-id-mismatch', () => changed(files => files.set(layerPath, layers[1]!.subarray(0)))],
  ['a layer is no tar', 'damaged digest-mismatch layer-damaged diff-id-mismatch size-mismatch', () => changed(files => files.set(layerPath, Buffer.alloc(700, 'x')))],
  ['a layer is cut', 'damaged digest-mismatch layer-damaged diff-id-mismatch size-mismatch', () => changed(files => files.set(layerPath, layers[0]!.subarray(0, 700)))],
  ['a layer is a link out', 'damaged path-unsafe', () => changed(files => files.set(layerPath, { linkTo: '../../../etc/passwd' }))],
  ['a layer is a link in a circle', 'damaged member-not-a-file', () => changed(files => files.set(layerPath, { linkTo: sha256(layers[0]!) }))],
  ['layers in another order', 'damaged diff-id-mismatch', () => withManifest(item => (item['Layers'] as string[]).reverse())],
  ['a layer too few', 'damaged layer-count', () => withManifest(item => (item['Layers'] as string[]).pop())],
  ['a config outside', 'damaged path-unsafe', () => withManifest(item => (item['Config'] = '../config.json'))],
  ['manifest.json is null', 'damaged json-unreadable', () => changed(files => files.set('manifest.json', Buffer.from('null')))],
  ['manifest.json is empty', 'damaged json-unreadable', () => changed(files => files.set('manifest.json', Buffer.from('')))],
  ['manifest.json is [null]', 'damaged json-unreadable', () => changed(files => files.set('manifest.json', Buffer.from('[null]')))],
  ['manifest.json has a byte order mark', 'damaged json-unreadable', () => changed(files => files.set('manifest.json', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), files.get('manifest.json') as Buffer])))],
  ['manifest.json is a million levels deep', 'damaged document-too-large', () => changed(files => files.set('manifest.json', Buffer.from('['.repeat(1_000_000) + ']'.repeat(1_000_000))))],
  ['index.json names nothing', 'valid index-empty', () => changed(files => files.set('index.json', json({ schemaVersion: 2, manifests: null })))],
  ['index.json names a digest out of the layout', 'damaged digest-unsupported', () => changed(files => files.set('index.json', json({ manifests: [{ digest: 'sha256:../../x', size: 1 }] })))],
  ['the layout is of another version', 'damaged layout-unsupported', () => changed(files => files.set('oci-layout', json({ imageLayoutVersion: '2.0.0' })))],
  ['a member twice with different content', 'damaged member-differs', async () => tarOf([['oci-layout', json({ imageLayoutVersion: '1.0.1' })], ...good()])],
  ['something behind the end', 'damaged archive-malformed', async () => Buffer.concat([await tarOf(good()), Buffer.from('x')])],
  ['two archives', 'damaged archive-malformed', async () => Buffer.concat([await tarOf(good()), await tarOf(good())])],
  ['no end blocks', 'damaged archive-cut', async () => (await tarOf(good())).subarray(0, -1024)],
  ['an engine\'s message at its end', 'damaged engine-message', async () => Buffer.concat([(await tarOf(good())).subarray(0, -1024), Buffer.from('{"message":"file integrity checksum failed"}')])],
  ['gzip that is cut', 'damaged compression-damaged', async () => gzipSync(await tarOf(good())).subarray(0, -30)],
  ['no image at all', 'not an image', async () => tarOf([['a.txt', Buffer.from('text')]])],
  ['the time before manifest.json', 'unverifiable no-hashes', async () => tarOf([[`${'a'.repeat(64)}/VERSION`, Buffer.from('1.0')], [`${'a'.repeat(64)}/json`, Buffer.from('{}')], [`${'a'.repeat(64)}/layer.tar`, layers[0]!], ['repositories', Buffer.from('{}')]])],
])('%s: %s', async (_, expected, make) => {
  expect(await verdictOf(await make())).toBe(expected)
})

test('xz within gzip is no image, and it is said what it is', async () => {
  const { verdict, what } = await check(gzipSync(execFileSync('xz', ['-c'], { input: await tarOf(good()) })))
  expect({ verdict, what }).toEqual({ verdict: 'not an image', what: 'xz data within the compression: engines unpack only once, compressed with gzip' })
})

test('a foreign layer that is not there makes it incomplete, and the address is named', async () => {
  const files = good()
  const index = JSON.parse(textOf(files, 'index.json')) as { manifests: { digest: string; size: number }[] }
  const path = `blobs/sha256/${index.manifests[0]!.digest.slice(7)}`
  const manifest = JSON.parse(textOf(files, path)) as { layers: { urls?: string[] }[] }
  manifest.layers[0]!.urls = ['https://example.invalid/layer']
  files.delete(path)
  files.delete('manifest.json')
  files.delete(layerPath)
  const bytes = json(manifest)
  files.set(`blobs/sha256/${sha256(bytes)}`, bytes)
  index.manifests[0] = { ...index.manifests[0]!, digest: `sha256:${sha256(bytes)}`, size: bytes.length }
  files.set('index.json', json(index))
  const { verdict, findings } = await check(await tarOf(files))
  expect({ verdict, found: findings.map(({ code, found }) => [code, found]) }).toEqual({ verdict: 'incomplete', found: [['foreign-layer', 'https://example.invalid/layer']] })
})

test('the manifest of a platform that was not pulled may be absent', async () => {
  const files = good()
  const inner = files.get('index.json') as Buffer
  const index = JSON.parse(inner.toString()) as { manifests: object[] }
  index.manifests.push({ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: `sha256:${'b'.repeat(64)}`, size: 5, platform: { os: 'linux', architecture: 'arm64' } })
  const nested = json(index)
  files.set(`blobs/sha256/${sha256(nested)}`, nested)
  files.set('index.json', json({ schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.index.v1+json', digest: `sha256:${sha256(nested)}`, size: nested.length, annotations: { 'io.containerd.image.name': 'docker.io/library/box:1' } }] }))
  const { verdict, findings } = await check(await tarOf(files))
  expect({ verdict, found: findings.map(({ code, found }) => [code, found]) }).toEqual({ verdict: 'valid', found: [['platform-absent', 'linux/arm64']] })
})

test('a cut within a layer in gzip is a cut of the archive, and no damage of the layer alone', async () => {
  const files = imageFiles(layers, { gzip: true })
  const blob = gzipSync(Buffer.alloc(5000, 'unreferenced'), { level: 0 })
  const bytes = await tarOf(new Map([...files, [`blobs/sha256/${sha256(blob)}`, blob]]))
  expect(await verdictOf(bytes.subarray(0, bytes.indexOf(blob) + 2000))).toBe('damaged archive-cut')
})

test('an archive that is cut anywhere is never valid', async () => {
  const bytes = await tarOf(good())
  for (let at = 0; at < bytes.length; at += 512) expect((await check(bytes.subarray(0, at))).verdict).not.toBe('valid')
})

test('one bit in any member is never valid', async () => {
  const whole = await tarOf(good())
  for (const [name, content] of good()) {
    const at = whole.indexOf(content as Buffer)
    expect({ name, at: at > 0 }).toEqual({ name, at: true })
    for (const offset of [0, (content as Buffer).length >> 1, (content as Buffer).length - 1]) {
      const bytes = Buffer.from(whole)
      bytes[at + offset]! ^= 4
      expect([name, offset, (await check(bytes)).verdict]).not.toEqual([name, offset, 'valid'])
    }
  }
})

test('a layer that becomes thousands of times larger is not read to its end', async () => {
  const bomb = execFileSync('sh', ['-c', 'head -c 2000000000 /dev/zero | zstd -c -1'], { maxBuffer: 1 << 28 })
  const startedAt = performance.now()
  expect(await verdictOf(await changed(files => files.set(layerPath, bomb)))).toMatch(/^damaged digest-mismatch layer-expands/)
  expect(performance.now() - startedAt).toBeLessThan(10_000)
})

const things: readonly [string, { type: string; linkTo?: string }][] = [
  ['a character device', { type: '3' }], ['a block device', { type: '4' }], ['a fifo', { type: '6' }], ['a directory', { type: '5' }], ['a socket or what else there may be', { type: 'Z' }],
  ['a hard link to nothing', { type: '1', linkTo: 'nothing' }], ['a hard link out', { type: '1', linkTo: '../../etc/passwd' }], ['a hard link to an absolute path', { type: '1', linkTo: '/etc/passwd' }],
  ['a symbolic link to itself', { type: '2', linkTo: 'SELF' }], ['a symbolic link to an absolute path', { type: '2', linkTo: '/etc/passwd' }], ['a symbolic link out', { type: '2', linkTo: '../../../../etc/passwd' }],
]
const roles: Readonly<Record<string, string>> = { 'manifest.json': 'manifest.json', 'the config': blobPath(toJson(configOf(exampleLayers))), 'a layer': blobPath(exampleLayers[1]), 'index.json': 'index.json' }

test.each(things.flatMap(([what, entry]) => Object.keys(roles).map(role => [what, role, entry] as const)))('%s in place of %s is damage, whatever it is', async (_, role, { type, linkTo }) => {
  const name = roles[role] ?? ''
  const bytes = rawTarOf(savedFiles().set(name, { name: type === '5' ? `${name}/` : name, type, ...(linkTo === undefined ? {} : { linkTo: linkTo === 'SELF' ? name.split('/').at(-1) ?? '' : linkTo }) }))
  expect((await check(bytes)).verdict).toBe('damaged')
})

test('nothing here can reach a network', () => {
  const root = new URL('../../../../src/', import.meta.url)
  for (const folder of ['integrity/', 'archive/']) {
    for (const file of readdirSync(new URL(folder, root))) expect([file, ...readFileSync(new URL(folder + file, root), 'utf8').matchAll(/from '(?:node:)?(?:net|tls|https?|http2|dgram|dns|undici)'|\bfetch\(/g)].length).toBe(1)
  }
})
