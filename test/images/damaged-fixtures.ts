import type { ArchiveFixture } from './archive-fixtures.ts'
import { blobPath, configOf, descriptorOf, dockerFiles, entriesOf, hexOf, json, layerOf, layers, layoutFiles, savedFiles, tarOf, types, type Files, type Item, type Json, type Parts } from './example-image.ts'
import { gzipStored, rawTar } from './raw-tar.ts'
import { nested } from './valid-fixtures.ts'

const other = layerOf('other')
const config = json(configOf(layers))
const flipped = (bytes: Buffer, at = bytes.length >> 1): Buffer => Buffer.from(bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)))

/** After `change`, which gets the files of a saved image. */
function changed(change: (files: Files) => void, files = savedFiles()): Buffer {
  change(files)
  return tarOf(files)
}

const withItem = (change: (item: Item) => unknown): Buffer => tarOf(savedFiles({}, change))
const withDocument = (name: string, content: string | Buffer): Buffer => changed(files => files.set(name, Buffer.from(content)))
const withConfig = (change: Json | Buffer): Buffer => tarOf(savedFiles({ config: Buffer.isBuffer(change) ? change : json({ ...configOf(layers), ...change }) }))
const withIndex = (change: Parts['index']): Buffer => tarOf(layoutFiles(change === undefined ? {} : { index: change }))
const withDigest = (digest: string): Buffer => withIndex(index => ({ ...index, manifests: index.manifests.map(each => ({ ...each, digest })) }))
const withSize = (size: number | string): Buffer => {
  const files = layoutFiles()
  files.set('index.json', Buffer.from((files.get('index.json') as Buffer).toString().replace(/"size":\d+/, `"size":${size}`)))
  return tarOf(files)
}
const replaced = (from: Buffer, to: Buffer): Buffer => changed(files => files.set(blobPath(from), to))
const without = (bytes: Buffer, files: Files): Buffer => changed(all => all.delete(blobPath(bytes)), files)
const manifestOf = (files: Files): Buffer => [...files.values()].find(each => Buffer.isBuffer(each) && each.includes('"layers"') && !each.includes('diff_ids')) as Buffer

export const damagedFixtures: readonly ArchiveFixture[] = [
  // manifest.json
  { name: 'manifest-empty', about: 'manifest.json is empty', make: () => withDocument('manifest.json', '') },
  { name: 'manifest-null', about: 'manifest.json is null', make: () => withDocument('manifest.json', 'null') },
  { name: 'manifest-object', about: 'manifest.json is {}', make: () => withDocument('manifest.json', '{}') },
  { name: 'manifest-list-of-null', about: 'manifest.json is [null]', make: () => withDocument('manifest.json', '[null]') },
  { name: 'manifest-no-images', about: 'manifest.json is []', make: () => withDocument('manifest.json', '[]') },
  { name: 'manifest-string', about: 'manifest.json is a string', make: () => withDocument('manifest.json', '"manifest"') },
  { name: 'manifest-byte-order-mark', about: 'manifest.json begins with a byte order mark', make: () => changed(files => files.set('manifest.json', Buffer.concat([Buffer.from('efbbbf', 'hex'), files.get('manifest.json') as Buffer]))) },
  { name: 'manifest-trailing-bytes', about: 'something follows the value of manifest.json', make: () => changed(files => files.set('manifest.json', Buffer.concat([files.get('manifest.json') as Buffer, Buffer.from('[]')]))) },
  { name: 'manifest-doubled-key', about: 'an image of manifest.json has two configs', make: () => changed(files => files.set('manifest.json', Buffer.from((files.get('manifest.json') as Buffer).toString().replace('"Config"', '"Config":"x","Config"')))) },
  { name: 'manifest-twice', about: 'two members are called manifest.json', make: () => rawTar([{ name: 'manifest.json', data: Buffer.from('[]') }, ...[...savedFiles()].map(([name, data]) => ({ name, data: data as Buffer }))]) },
  { name: 'manifest-link-out', about: 'manifest.json is a symbolic link out of the archive', make: () => changed(files => files.set('manifest.json', { name: 'manifest.json', type: '2', linkTo: '../../etc/passwd' })) },
  { name: 'manifest-device', about: 'manifest.json is a device', make: () => changed(files => files.set('manifest.json', { name: 'manifest.json', type: '3' })) },
  { name: 'config-path-out', about: 'Config leads out of the archive', make: () => withItem(item => ({ ...item, Config: '../x' })) },
  { name: 'config-path-absolute', about: 'Config is the absolute path of a file that is not there', make: () => withItem(item => ({ ...item, Config: '/etc/passwd' })) },
  { name: 'config-path-directory', about: 'Config is a directory', make: () => changed(files => files.set('blobs/', { name: 'blobs/', type: '5' }), savedFiles({}, item => ({ ...item, Config: 'blobs' }))) },
  { name: 'config-path-number', about: 'Config is a number', make: () => withItem(item => ({ ...item, Config: 5 })) },
  { name: 'layers-none', about: 'Layers is missing', make: () => withItem(({ Config, RepoTags }) => ({ Config, RepoTags })) },
  { name: 'layers-more', about: 'Layers has one more than the config', make: () => withItem(item => ({ ...item, Layers: [...(item.Layers as string[]), blobPath(layers[0])] })) },
  { name: 'layers-fewer', about: 'Layers has one less than the config', make: () => withItem(item => ({ ...item, Layers: (item.Layers as string[]).slice(1) })) },
  { name: 'layers-reordered', about: 'Layers has another order than the config', make: () => withItem(item => ({ ...item, Layers: (item.Layers as string[]).toReversed() })) },
  { name: 'layers-path-out', about: 'a path of Layers leads out of the archive', make: () => withItem(item => ({ ...item, Layers: ['../../x', blobPath(layers[1])] })) },
  { name: 'names-differ', about: 'manifest.json and index.json name the image differently', make: () => withItem(item => ({ ...item, RepoTags: ['fox:1'] })) },
  // configs
  { name: 'config-not-json', about: 'the config is not JSON', make: () => withConfig(Buffer.from('no JSON')) },
  { name: 'config-no-rootfs', about: 'the config has no rootfs', make: () => withConfig({ rootfs: undefined }) },
  { name: 'config-rootfs-type', about: 'the rootfs of the config is of type "dirs"', make: () => withConfig({ rootfs: { type: 'dirs', diff_ids: [] } }) },
  { name: 'config-no-diff-ids', about: 'the config lists no layers, and there are two', make: () => withConfig({ rootfs: { type: 'layers', diff_ids: [] } }) },
  { name: 'config-sha512', about: 'diffIDs of sha512', make: () => withConfig({ rootfs: { type: 'layers', diff_ids: layers.map(layer => `sha512:${hexOf(layer).repeat(2)}`) } }) },
  { name: 'config-upper-case', about: 'diffIDs in upper case', make: () => withConfig({ rootfs: { type: 'layers', diff_ids: layers.map(layer => `sha256:${hexOf(layer).toUpperCase()}`) } }) },
  { name: 'config-malformed-diff-id', about: 'a diffID that is none', make: () => withConfig({ rootfs: { type: 'layers', diff_ids: ['sha256:12', 7] } }) },
  { name: 'config-history', about: 'the history tells of three layers, and there are two', make: () => withConfig({ history: [{}, {}, {}] }) },
  { name: 'config-changed', about: 'a config that is named by its digest was changed: docker load does not look', make: () => tarOf(dockerFiles({ config: Buffer.concat([config, Buffer.from('\n')]), configName: `${hexOf(config)}.json` })) },
  { name: 'config-link-in-circle', about: 'the config is a link to itself', make: () => changed(files => files.set(blobPath(config), { name: blobPath(config), type: '2', linkTo: hexOf(config) })) },
  { name: 'config-fifo', about: 'the config is a fifo', make: () => changed(files => files.set(blobPath(config), { name: blobPath(config), type: '6' })) },
  { name: 'config-hard-link-nowhere', about: 'the config is a hard link to what is not there', make: () => changed(files => files.set(blobPath(config), { name: blobPath(config), type: '1', linkTo: 'nothing' })) },
  // layers
  { name: 'layer-bit', about: 'one bit of a layer is another', make: () => replaced(layers[0], flipped(layers[0])) },
  { name: 'layer-cut', about: 'a layer is cut', make: () => replaced(layers[0], layers[0].subarray(0, 700)) },
  { name: 'layer-not-a-tar', about: 'a layer is no tar, as its config says', make: () => tarOf(savedFiles({ plain: [Buffer.alloc(700, 'x'), layers[1]] })) },
  { name: 'layer-is-json', about: 'a layer is JSON, as its config says', make: () => tarOf(savedFiles({ plain: [json({ no: 'tar' }), layers[1]] })) },
  { name: 'layer-other-compression', about: 'a layer of a compression that nobody knows', make: () => tarOf(savedFiles({ stored: [Buffer.from('LZIP\x01 something'), layers[1]] })) },
  { name: 'layer-type-plain', about: 'a media type that says plain of gzip: the containerd store does not unpack it', make: () => tarOf(savedFiles({ stored: layers.map(layer => gzipStored(layer)) })) },
  { name: 'layer-type-gzip', about: 'a media type that says gzip of a plain layer', make: () => tarOf(savedFiles({ layerType: `${types.layer}+gzip` })) },
  { name: 'layer-gzip-checksum', about: 'a layer in gzip whose checksum is wrong', make: () => tarOf(savedFiles({ stored: layers.map(layer => gzipStored(layer, { crc: 1 })), layerType: `${types.layer}+gzip` })) },
  { name: 'layer-gzip-trailing', about: 'a layer in gzip with bytes behind it', make: () => tarOf(savedFiles({ stored: layers.map(layer => Buffer.concat([gzipStored(layer), Buffer.from('more')])), layerType: `${types.layer}+gzip` })) },
  { name: 'layer-wrong-diff-ids', about: 'the diffIDs are not those of the layers (moby 47150)', make: () => withConfig(configOf([other, layers[1]])) },
  { name: 'layer-named-wrong', about: 'a layer is called after the digest of another', make: () => tarOf(dockerFiles({ layerNames: [`${hexOf(other)}.tar`, `${hexOf(layers[1])}.tar`] })) },
  { name: 'layer-packed-named-wrong', about: 'a layer in gzip is called after the digest of another', make: () => tarOf(dockerFiles({ stored: layers.map(layer => gzipStored(layer)), layerNames: [`${hexOf(other)}.tar.gz`, `${hexOf(gzipStored(layers[1]))}.tar.gz`] })) },
  { name: 'config-named-wrong', about: 'a config called sha256:<hex> of another', make: () => tarOf(dockerFiles({ configName: `sha256:${hexOf(other)}` })) },
  { name: 'layer-twice-differs', about: 'a layer is there twice, with different content', make: () => rawTar([{ name: blobPath(layers[0]), data: layers[1] }, ...entriesOf(savedFiles())]) },
  { name: 'layer-link-in-circle', about: 'two layers are links to one another', make: () => changed(files => layers.forEach((layer, at) => files.set(blobPath(layer), { name: blobPath(layer), type: '2', linkTo: hexOf(layers[1 - at]!) }))) },
  { name: 'layer-hard-link-in-circle', about: 'two layers are hard links to one another', make: () => changed(files => layers.forEach((layer, at) => files.set(blobPath(layer), { name: blobPath(layer), type: '1', linkTo: blobPath(layers[1 - at]!) }))) },
  { name: 'layer-link-out', about: 'a layer is a symbolic link out of the archive', make: () => changed(files => files.set(blobPath(layers[0]), { name: blobPath(layers[0]), type: '2', linkTo: '../../../etc/passwd' })) },
  { name: 'layer-link-absolute', about: 'a layer is an absolute symbolic link', make: () => changed(files => files.set(blobPath(layers[0]), { name: blobPath(layers[0]), type: '2', linkTo: '/etc/passwd' })) },
  { name: 'layers-left-out', about: 'the containerd store saved an image of which it lacks the layers (moby 49473)', make: () => changed(files => layers.forEach(layer => files.delete(blobPath(layer)))) },
  { name: 'no-layers-saved', about: 'docker save left out the layers, and says so nowhere (moby 47065)', make: () => changed(files => layers.forEach(layer => files.delete(`${hexOf(layer)}.tar`)), dockerFiles()) },
  // layouts
  { name: 'layout-file-missing', about: 'oci-layout is missing', make: () => changed(files => files.delete('oci-layout'), layoutFiles()) },
  { name: 'layout-version', about: 'a layout of version 2.0.0', make: () => withDocument('oci-layout', '{"imageLayoutVersion":"2.0.0"}') },
  { name: 'layout-not-json', about: 'oci-layout is not JSON', make: () => withDocument('oci-layout', 'layout') },
  { name: 'index-directory', about: 'index.json is a directory', make: () => changed(files => files.set('index.json', { name: 'index.json/', type: '5' })) },
  { name: 'index-empty-file', about: 'index.json is empty', make: () => withDocument('index.json', '') },
  { name: 'index-null', about: 'index.json is null', make: () => withDocument('index.json', 'null') },
  { name: 'index-digest-path', about: 'a digest that is a path', make: () => withDigest('sha256:../../x') },
  { name: 'index-digest-md5', about: 'a digest of md5', make: () => withDigest(`md5:${'a'.repeat(32)}`) },
  { name: 'index-digest-short', about: 'a digest that is too short', make: () => withDigest('sha256:abc') },
  { name: 'index-size-0', about: 'a size of 0', make: () => withSize(0) },
  { name: 'index-size-negative', about: 'a negative size', make: () => withSize(-5) },
  { name: 'index-size-63', about: 'a size of 2^63', make: () => withSize('9223372036854775808') },
  { name: 'index-size-large', about: 'a size of 9999999999999', make: () => withSize('9999999999999') },
  { name: 'index-media-type', about: 'a media type that nobody knows for a manifest', make: () => withIndex(index => ({ ...index, manifests: index.manifests.map(each => ({ ...each, mediaType: 'application/vnd.oci.image.manifest.v1+jsom' })) })) },
  { name: 'index-platform', about: 'index.json names another platform than the config', make: () => withIndex(index => ({ ...index, manifests: index.manifests.map(each => ({ ...each, platform: { os: 'linux', architecture: 'arm64' } })) })) },
  { name: 'index-and-manifest', about: 'a document that is an index and a manifest in one', make: () => tarOf(layoutFiles({ manifest: manifest => ({ ...manifest, manifests: [] }) })) },
  { name: 'blob-manifest-missing', about: 'the manifest is missing', make: () => without(manifestOf(layoutFiles()), layoutFiles()) },
  { name: 'blob-config-missing', about: 'the config is missing', make: () => without(config, layoutFiles()) },
  { name: 'blob-layer-missing', about: 'a layer is missing', make: () => without(layers[0], layoutFiles()) },
  { name: 'blob-wrong-content', about: 'the manifest has another content than its name says', make: () => changed(files => files.set(blobPath(manifestOf(files)), Buffer.from(manifestOf(files).toString().replace('"schemaVersion":2', '"schemaVersion":3'))), layoutFiles()) },
  { name: 'nested-50', about: 'indexes in indexes, fifty deep', make: () => tarOf(nested(50)) },
  { name: 'index-hollow', about: 'an index of which no image is there', make: () => hollow() },
  { name: 'legacy', about: 'from the time before manifest.json: no hashes', make: () => rawTar([{ name: `${'a'.repeat(64)}/VERSION`, data: Buffer.from('1.0') }, { name: `${'a'.repeat(64)}/json`, data: json({}) }, { name: `${'a'.repeat(64)}/layer.tar`, data: layers[0] }, { name: 'repositories', data: json({ box: { 1: 'a'.repeat(64) } }) }]) },
  { name: 'one-view-broken', about: 'manifest.json is good, and index.json leads nowhere', make: () => tarOf(savedFiles({ index: index => ({ ...index, manifests: [{ ...index.manifests[0], digest: `sha256:${'d'.repeat(64)}` }] }) })) },
]

function hollow(): Buffer {
  const index = json({ schemaVersion: 2, mediaType: types.index, manifests: [{ mediaType: types.manifest, digest: `sha256:${'e'.repeat(64)}`, size: 5, platform: { os: 'linux', architecture: 'arm64' } }] })
  return rawTar([{ name: blobPath(index), data: index }, { name: 'index.json', data: json({ schemaVersion: 2, manifests: [descriptorOf(types.index, index)] }) }, { name: 'oci-layout', data: json({ imageLayoutVersion: '1.0.0' }) }])
}
