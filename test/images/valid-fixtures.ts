import type { ArchiveFixture } from './archive-fixtures.ts'
import { configOf, descriptorOf, dockerFiles, entriesOf, hexOf, json, layers, layoutFiles, savedFiles, blobPath, tarOf, types, type Files, type Json } from './example-image.ts'
import { gzipStored, paxHeader, rawEntry, rawTar, zstdRaw, zstdSkippable } from './raw-tar.ts'

const gzipLayer = `${types.layer}+gzip`
const packed = layers.map(layer => gzipStored(layer))
const v1 = (letter: string): string => letter.repeat(64)
const emptyTar = Buffer.alloc(1024)

export const validFixtures: readonly ArchiveFixture[] = [
  { name: 'docker-24', about: 'docker save up to 24: <v1id>/layer.tar, <image id>.json, manifest.json, repositories', make: () => tarOf(docker24()) },
  { name: 'docker-24-twice', about: 'docker save up to 24, a layer that occurs twice: a relative symbolic link', make: () => tarOf(docker24Twice()) },
  { name: 'docker-28', about: 'docker save from 25 on: manifest.json, index.json, repositories, unreferenced v1 configs', make: () => tarOf(docker28()) },
  { name: 'docker-28-by-id', about: 'saved by id: no name anywhere', make: () => tarOf(savedFiles({ name: null }, item => ({ ...item, RepoTags: null }))) },
  { name: 'docker-25-by-id', about: 'saved by id with 25.0: "manifests" of index.json is null, manifest.json is whole', make: () => tarOf(savedFiles({ index: index => ({ ...index, manifests: null }) }, item => ({ ...item, RepoTags: [] }))) },
  { name: 'containerd-store', about: 'docker save with the containerd store: layers in gzip', make: () => tarOf(savedFiles({ stored: packed, layerType: gzipLayer })) },
  { name: 'containerd-store-other-platforms', about: 'an index of several platforms, of which one was pulled', make: () => tarOf(withPlatforms()) },
  { name: 'two-names', about: 'one digest under two names', make: () => tarOf(savedFiles({ index: index => ({ ...index, manifests: [...index.manifests, { ...index.manifests[0], annotations: { 'io.containerd.image.name': 'docker.io/library/box:2' } }] }) }, item => ({ ...item, RepoTags: ['box:1', 'box:2'] }))) },
  { name: 'skopeo-docker-archive', about: 'skopeo copy … docker-archive: <diffID>.tar, <v1id>/layer.tar as links to them', make: () => tarOf(skopeo()) },
  { name: 'podman', about: 'podman save: full names, layers as <diffID>.tar', make: () => tarOf(dockerFiles({ change: item => ({ ...item, RepoTags: ['localhost/box:1'] }) })) },
  { name: 'kaniko', about: 'kaniko and crane: sha256:<hex> as config, layers as <digest>.tar.gz', make: () => tarOf(dockerFiles({ stored: packed, configName: `sha256:${hexOf(json(configOf(layers)))}`, layerNames: packed.map(bytes => `${hexOf(bytes)}.tar.gz`) })) },
  { name: 'jib', about: 'jib: config.json, layers as <digest>.tar.gz', make: () => tarOf(dockerFiles({ stored: packed, configName: 'config.json', layerNames: packed.map(bytes => `${hexOf(bytes)}.tar.gz`) })) },
  { name: 'bazel', about: 'bazel: names of its own, an empty path for the empty layer', make: () => tarOf(bazel()) },
  { name: 'oci-layout', about: 'an OCI layout in a tar, as skopeo oci-archive and buildx type=oci write it', make: () => tarOf(layoutFiles({ stored: packed, layerType: gzipLayer, name: 'box:1' })) },
  { name: 'buildx-attestation', about: 'buildx: an index with an image and its attestation, whose config and layers are JSON', make: () => tarOf(withAttestation()) },
  { name: 'artifact', about: 'an artifact: config {}, a layer of an unknown media type', make: () => tarOf(artifact()) },
  { name: 'estargz', about: 'layers of several gzip members, as eStargz and pigz write them', make: () => tarOf(savedFiles({ stored: layers.map(layer => Buffer.concat([gzipStored(layer.subarray(0, 700)), gzipStored(layer.subarray(700))])), layerType: gzipLayer })) },
  { name: 'zstd-chunked', about: 'layers of several zstd frames with skippable ones between them', make: () => tarOf(savedFiles({ stored: layers.map(layer => Buffer.concat([zstdSkippable(Buffer.from('first')), zstdRaw(layer.subarray(0, 700)), zstdRaw(layer.subarray(700)), zstdSkippable(Buffer.from('table of contents'))])), layerType: `${types.layer}+zstd` })) },
  { name: 'outer-gzip', about: 'gzip around it, of two members', make: () => twoMembers(gzipStored) },
  { name: 'outer-zstd', about: 'zstd around it', make: () => twoMembers(zstdRaw) },
  { name: 'dot-names', about: 'names with "./"', make: () => rawTar(entriesOf(docker28()).map(entry => ({ ...entry, name: `./${entry.name.toString()}` }))) },
  { name: 'absolute-names', about: 'absolute member names', make: () => rawTar(entriesOf(docker28()).map(entry => ({ ...entry, name: `/${entry.name.toString()}` }))) },
  { name: 'pax-names', about: 'names in PAX headers', make: () => Buffer.concat([...entriesOf(docker28()).flatMap(entry => [rawEntry(paxHeader({ path: entry.name.toString() })), rawEntry({ ...entry, name: 'short' })]), Buffer.alloc(1024)]) },
  { name: 'lower-case-keys', about: 'keys in lower case, which Go takes as well', make: () => tarOf(savedFiles({}, item => Object.fromEntries(Object.entries(item).map(([key, value]) => [key.toLowerCase(), value])))) },
  { name: 'gzip-under-tar-name', about: 'gzip content under a name that ends with .tar', make: () => tarOf(dockerFiles({ stored: packed })) },
  { name: 'no-layers', about: '"Layers": null and no diffIDs', make: () => tarOf(savedFiles({ plain: [] }, item => ({ ...item, Layers: null }))) },
  { name: 'one-path-often', about: 'one path many times in Layers', make: () => tarOf(savedFiles({ plain: [layers[0], layers[0], layers[1], layers[0]] })) },
  { name: 'empty-layers', about: 'layers of 0 and of 1024 bytes', make: () => tarOf(savedFiles({ plain: [Buffer.alloc(0), emptyTar, layers[0]] })) },
  { name: 'hard-link', about: 'a layer that is a hard link to another member', make: () => tarOf(withLink('1', 'layer.tar')) },
  { name: 'symbolic-link', about: 'a layer that is a symbolic link to another member', make: () => tarOf(withLink('2', '../../layer.tar')) },
  { name: 'doubled-same', about: 'a member twice, with the same content', make: () => rawTar([...entriesOf(docker28()), ...entriesOf(docker28()).slice(0, 1)]) },
  { name: 'orphan-blob', about: 'a blob that nothing refers to', make: () => tarOf(new Map([...savedFiles(), [blobPath(Buffer.from('orphan')), Buffer.from('orphan')]])) },
  { name: 'odd-names-in-layer', about: 'members of a layer with "../", absolute and doubled names: the engine guards itself when it unpacks', make: () => tarOf(savedFiles({ plain: [rawTar([{ name: '../out' }, { name: '/abs' }, { name: 'same' }, { name: 'same' }, { name: Buffer.from('f\u00fcr\nzwei', 'latin1') }])] })) },
  { name: 'foreign-layer', about: 'a foreign layer that is to be fetched from elsewhere', make: () => tarOf(foreign()) },
  { name: 'nested-index', about: 'an index in an index in index.json', make: () => tarOf(nested(2)) },
]

function docker24(): Files {
  const plain = layers
  const config = json(configOf(plain))
  const files = dockerFiles({ layerNames: [`${v1('a')}/layer.tar`, `${v1('b')}/layer.tar`], configName: `${hexOf(config)}.json` })
  return new Map([
    ...['a', 'b'].flatMap(letter => [[`${v1(letter)}/`, { name: `${v1(letter)}/`, type: '5' }], [`${v1(letter)}/VERSION`, Buffer.from('1.0')], [`${v1(letter)}/json`, json({ id: v1(letter) })]] as const),
    ...files,
    ['repositories', json({ box: { 1: v1('b') } })],
  ])
}

function docker24Twice(): Files {
  const files = dockerFiles({ plain: [layers[0], layers[1], layers[0]], layerNames: ['a', 'b', 'c'].map(letter => `${v1(letter)}/layer.tar`) })
  files.set(`${v1('c')}/layer.tar`, { name: `${v1('c')}/layer.tar`, type: '2', linkTo: `../${v1('a')}/layer.tar` })
  return files
}

function docker28(): Files {
  const v1Config = json({ id: v1('a'), created: '1970-01-01T00:00:00Z' })
  return new Map([['blobs/', { name: 'blobs/', type: '5' }], ['blobs/sha256/', { name: 'blobs/sha256/', type: '5' }], [blobPath(v1Config), v1Config], ...savedFiles(), ['repositories', json({ box: { 1: v1('a') } })]])
}

function skopeo(): Files {
  const files = dockerFiles()
  for (const [at, layer] of layers.entries()) files.set(`${v1('ab'[at]!)}/layer.tar`, { name: `${v1('ab'[at]!)}/layer.tar`, type: '2', linkTo: `../${hexOf(layer)}.tar` })
  return new Map([...files, ['repositories', json({ 'docker.io/library/box': { 1: v1('b') } })]])
}

function bazel(): Files {
  return dockerFiles({ plain: [emptyTar, layers[0]], stored: [layers[0]], configName: 'image/config', layerNames: ['/layers/x.tar'], change: item => ({ ...item, Layers: ['', '/layers/x.tar'] }) })
}

/** The manifest of index.json behind so many indexes. */
export function nested(depth: number): Files {
  let files: Files = new Map()
  let wrap = (index: Json & { manifests: Json[] }): unknown => index
  for (let level = 0; level < depth; level++) {
    const inner = wrap
    wrap = index => {
      const bytes = json(inner(index))
      files = new Map([...files, [blobPath(bytes), bytes]])
      return { schemaVersion: 2, mediaType: types.index, manifests: [descriptorOf(types.index, bytes)] }
    }
  }
  const layout = layoutFiles({ index: wrap, name: null })
  return new Map([...layout, ...files])
}

function withPlatforms(): Files {
  const files = nested(0)
  const index = JSON.parse((files.get('index.json') as Buffer).toString()) as { manifests: Json[] }
  const all = json({ schemaVersion: 2, mediaType: types.index, manifests: [{ ...index.manifests[0], platform: { os: 'linux', architecture: 'amd64' } }, { mediaType: types.manifest, digest: `sha256:${v1('c')}`, size: 7, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }] })
  const saved = savedFiles({ index: own => ({ ...own, manifests: [descriptorOf(types.index, all, { annotations: { 'io.containerd.image.name': 'docker.io/library/box:1' } })] }) })
  return new Map([[blobPath(all), all], ...saved])
}

function withAttestation(): Files {
  const statement = json({ _type: 'https://in-toto.io/Statement/v0.1', predicate: {} })
  const config = json({ architecture: 'unknown', os: 'unknown', config: {}, rootfs: { type: 'layers', diff_ids: [`sha256:${hexOf(statement)}`] } })
  const manifest = json({ schemaVersion: 2, mediaType: types.manifest, config: descriptorOf(types.config, config), layers: [descriptorOf('application/vnd.in-toto+json', statement)] })
  const files = layoutFiles({ index: index => {
    const all = json({ ...index, manifests: [...index.manifests.map(each => ({ ...each, platform: { os: 'linux', architecture: 'amd64' } })), descriptorOf(types.manifest, manifest, { platform: { os: 'unknown', architecture: 'unknown' } })] })
    extra.set(blobPath(all), all)
    return { schemaVersion: 2, mediaType: types.index, manifests: [descriptorOf(types.index, all, { annotations: { 'org.opencontainers.image.ref.name': '1' } })] }
  } })
  return new Map([...files, ...extra, ...[statement, config, manifest].map(bytes => [blobPath(bytes), bytes] as const)])
}

const extra: Files = new Map()

function artifact(): Files {
  const layer = Buffer.from('anything')
  const config = json({})
  return layoutFiles({ plain: [layer], config, manifest: manifest => ({ ...manifest, artifactType: 'application/vnd.example', config: descriptorOf('application/vnd.oci.empty.v1+json', config), layers: [descriptorOf('application/vnd.example.data', layer)] }), name: null })
}

function withLink(type: '1' | '2', linkTo: string): Files {
  const files = savedFiles()
  files.set('layer.tar', layers[0])
  files.set(blobPath(layers[0]), { name: blobPath(layers[0]), type, linkTo })
  return files
}

function foreign(): Files {
  const files = layoutFiles({ manifest: manifest => ({ ...manifest, layers: (manifest['layers'] as Json[]).map((layer, at) => (at === 0 ? { ...layer, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar', urls: ['https://example.invalid/layer'] } : layer)) }) })
  files.delete(blobPath(layers[0]))
  return files
}

function twoMembers(pack: (bytes: Buffer) => Buffer): Buffer {
  const tar = tarOf(savedFiles())
  return Buffer.concat([pack(tar.subarray(0, 1000)), pack(tar.subarray(1000))])
}

