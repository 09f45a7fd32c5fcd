/** What lies about besides saves of images: other artifacts of registries, old and encrypted images, files of other programs. */
import type { ArchiveFixture } from './archive-fixtures.ts'
import { blobPath, configOf, descriptorOf, dockerFiles, hexOf, json, layers, layoutFiles, savedFiles, tarOf, types, type Files, type Json } from './example-image.ts'
import { gzipStored, rawTar, zstdRaw } from './raw-tar.ts'

const packed = layers.map(layer => gzipStored(layer))
const config = json(configOf(layers))
const docker = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  list: 'application/vnd.docker.distribution.manifest.list.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  foreign: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  first: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
}
const elsewhere = { urls: ['https://example.invalid/layer'] }

export const oddFixtures: readonly ArchiveFixture[] = [
  { name: 'docker-list', about: 'a manifest list and a manifest with docker\'s media types', make: () => dockerList() },
  { name: 'non-distributable-present', about: 'layers that may not be distributed, and are there', make: () => tarOf(savedFiles({ stored: packed, layerType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip' })) },
  { name: 'foreign-layer-and-damage', about: 'one foreign layer is absent, which may be, and another layer too, which may not', make: () => dockerForeign() },
  { name: 'foreign-layer-of-both-views', about: 'the containerd store leaves a foreign layer out, and names it in both views', make: () => tarOf(withoutForeign()) },
  { name: 'layer-size', about: 'a layer has another size than its descriptor says, and the right content', make: () => tarOf(savedFiles({ manifest: manifest => withFirstLayer(manifest, layer => ({ ...layer, size: 2049 })) })) },
  { name: 'layer-digest-sha512', about: 'layers with sha512 digests', make: () => tarOf(layoutFiles({ manifest: manifest => withFirstLayer(manifest, layer => ({ ...layer, digest: `sha512:${'a'.repeat(128)}` })) })) },
  { name: 'helm-chart', about: 'a chart of helm: no image', make: () => artifact('application/vnd.cncf.helm.config.v1+json', { name: 'chart' }, 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', packed[0]!) },
  { name: 'signature', about: 'a signature of cosign: the config of an image, a layer of JSON', make: () => artifact(types.config, { architecture: '', os: '', config: {}, rootfs: { type: 'layers', diff_ids: [`sha256:${hexOf(statement)}`] } }, 'application/vnd.dev.cosign.simplesigning.v1+json', statement) },
  { name: 'artifact-changed', about: 'an artifact whose content was changed', make: () => changedArtifact() },
  { name: 'schema-1', about: 'a manifest of schema 1: layers by their digests, and nothing else', make: () => schemaOne() },
  { name: 'encrypted-layers', about: 'layers that skopeo has encrypted', make: () => tarOf(layoutFiles({ stored: layers.map(layer => Buffer.from(layer.map(byte => byte ^ 0x5a))), layerType: `${types.layer}+gzip+encrypted` })) },
  { name: 'layout-empty', about: 'an image layout into which nothing was put yet', make: () => tarOf(new Map([['index.json', json({ schemaVersion: 2, manifests: [] })], ['oci-layout', json({ imageLayoutVersion: '1.0.0' })]])) },
  { name: 'names-numbers', about: 'RepoTags that are no texts', make: () => tarOf(dockerFiles({ change: item => ({ ...item, RepoTags: [5] }) })) },
  { name: 'name-upper-case', about: 'a name that no engine takes', make: () => tarOf(dockerFiles({ change: item => ({ ...item, RepoTags: ['Box:1'] }) })) },
  { name: 'name-without-tag', about: 'a name without a tag, at which docker load ends', make: () => tarOf(dockerFiles({ change: item => ({ ...item, RepoTags: ['box'] }) })) },
  { name: 'name-with-digest', about: 'a digest in place of a tag, at which docker load ends', make: () => tarOf(dockerFiles({ change: item => ({ ...item, RepoTags: [`example.com/box@sha256:${'a'.repeat(64)}`] }) })) },
  { name: 'names-of-hosts', about: 'names with hosts and ports', make: () => tarOf(dockerFiles({ change: item => ({ ...item, RepoTags: ['localhost/a/b-c__d:1', 'HOST.example:5000/x.y:V_1.2-3'] }) })) },
  { name: 'web-application', about: 'a tar with the manifest.json of a web application', make: () => rawTar([{ name: 'manifest.json', data: json({ name: 'An application', icons: [] }) }, { name: 'index.json', data: json([{ page: 1 }]) }, { name: 'index.html', data: Buffer.from('<html>') }]) },
  { name: 'dir-transport', about: 'skopeo copy … dir: and podman save --format docker-dir, in a tar', make: () => tarOf(dirTransport()) },
  { name: 'dir-transport-layer-missing', about: 'the same without a layer', make: () => tarOf(without(dirTransport(), hexOf(packed[0]!))) },
  { name: 'dir-transport-list', about: 'skopeo copy --all … dir: of several platforms', make: () => tarOf(dirTransportList()) },
  { name: 'layer-without-end', about: 'a layer without end blocks, and with the right hashes, as umoci insert makes it', make: () => tarOf(savedFiles({ plain: [layers[0].subarray(0, -1024), layers[1]] })) },
  { name: 'layer-followed', about: 'a layer with something behind its end, and with the right hashes', make: () => tarOf(savedFiles({ plain: [Buffer.concat([layers[0], Buffer.from('more')]), layers[1]] })) },
  { name: 'layer-without-end-changed', about: 'a layer without end blocks, and with other hashes', make: () => tarOf(savedFiles({ plain: layers, stored: [layers[0].subarray(0, -1024), layers[1]] })) },
  { name: 'outer-gzip-cut-in-header', about: 'gzip that is cut before anything comes out of it', make: () => gzipStored(tarOf(savedFiles())).subarray(0, 8) },
  { name: 'outer-zstd-cut-in-block', about: 'zstd that is cut before anything comes out of it', make: () => zstdRaw(tarOf(savedFiles())).subarray(0, 40) },
]

const statement = Buffer.from('{"critical":{}}')

function layout(blobs: readonly Buffer[], top: Json): Files {
  return new Map([...blobs.map(bytes => [blobPath(bytes), bytes] as const), ['index.json', json({ schemaVersion: 2, manifests: [top] })], ['oci-layout', json({ imageLayoutVersion: '1.0.0' })]])
}

function withFirstLayer(manifest: Json, change: (layer: Json) => Json): Json {
  const [first = {}, ...others] = manifest['layers'] as Json[]
  return { ...manifest, layers: [change(first), ...others] }
}

function dockerManifest(stored: readonly Json[]): Buffer {
  return json({ schemaVersion: 2, mediaType: docker.manifest, config: descriptorOf(docker.config, config), layers: stored })
}

function dockerList(): Buffer {
  const manifest = dockerManifest(packed.map(layer => descriptorOf(docker.layer, layer)))
  const list = json({ schemaVersion: 2, mediaType: docker.list, manifests: [descriptorOf(docker.manifest, manifest, { platform: { os: 'linux', architecture: 'amd64' } })] })
  return tarOf(layout([...packed, config, manifest, list], descriptorOf(docker.list, list)))
}

function dockerForeign(): Buffer {
  const manifest = dockerManifest([descriptorOf(docker.foreign, packed[0]!, elsewhere), descriptorOf(docker.layer, packed[1]!)])
  return tarOf(layout([config, manifest], descriptorOf(docker.manifest, manifest)))
}

function withoutForeign(): Files {
  return without(savedFiles({ manifest: manifest => withFirstLayer(manifest, layer => ({ ...layer, mediaType: docker.foreign, ...elsewhere })) }), blobPath(layers[0]))
}

function artifactFiles(configType: string, own: Json, type: string, content: Buffer): Files {
  const bytes = json(own)
  const manifest = json({ schemaVersion: 2, mediaType: types.manifest, config: descriptorOf(configType, bytes), layers: [descriptorOf(type, content)] })
  return layout([bytes, content, manifest], descriptorOf(types.manifest, manifest))
}

function artifact(...parts: Parameters<typeof artifactFiles>): Buffer {
  return tarOf(artifactFiles(...parts))
}

function changedArtifact(): Buffer {
  const files = artifactFiles('application/vnd.oci.empty.v1+json', {}, 'application/spdx+json', statement)
  return tarOf(files.set(blobPath(statement), Buffer.from('{"critical":[]}')))
}

function dirTransport(): Files {
  return new Map([...packed.map(layer => [hexOf(layer), layer] as const), [hexOf(config), config], ['manifest.json', dockerManifest(packed.map(layer => descriptorOf(docker.layer, layer)))], ['version', Buffer.from('Directory Transport Version: 1.1\n')]])
}

function dirTransportList(): Files {
  const files = dirTransport()
  const manifest = files.get('manifest.json') as Buffer
  const list = json({ schemaVersion: 2, mediaType: docker.list, manifests: [descriptorOf(docker.manifest, manifest, { platform: { os: 'linux', architecture: 'amd64' } })] })
  return files.set(`${hexOf(manifest)}.manifest.json`, manifest).set('manifest.json', list)
}

function without(files: Files, name: string): Files {
  files.delete(name)
  return files
}

function schemaOne(): Buffer {
  const manifest = json({ schemaVersion: 1, name: 'box', tag: '1', architecture: 'amd64', fsLayers: packed.map(layer => ({ blobSum: `sha256:${hexOf(layer)}` })), history: packed.map(() => ({ v1Compatibility: '{}' })) })
  return tarOf(layout([...packed, manifest], descriptorOf(docker.first, manifest)))
}
