/**
 * What is known of archives in the wild, statement by statement, and what shows that the checker knows it: names of fixtures/archives, or
 * titles of tests in a file. The numbers are those of the rules learnt from real archives.
 */
type Shown = readonly string[]

const unit = 'unit/integrity/image-archive.test.ts'
const hostile = 'cli/verify-hostile.test.ts'
const longHostile = 'long/cli/verify-hostile.test.ts'
const command = 'cli/verify-archive.test.ts'
const engines = 'engine/integrity/engine-saves-contract.ts'
const engineCases = 'engine/integrity/engine-saves.test.ts'
const everyBit = 'long/integrity/every-bit.test.ts: every single bit of a save of %s: valid only if no load reads it'
const cuts = `${engines}: cut anywhere, it is not valid`
const bits = `${engines}: with one bit changed, it is valid only if no load reads that bit`
const instead = `${unit}: %s in place of %s is damage, whatever it is`

export const verdicts: Readonly<Record<string, Shown>> = {
  'valid: everything referenced is there, every hash and size agrees': ['docker-24', 'docker-28', 'containerd-store', 'oci-layout', `${engines}: is valid, and names its images`],
  'damaged: findings with the member, what was expected and found': ['layer-bit', 'layer-size', 'index-size-0', 'config-changed', `${command}: what a person reads: each finding once with both views, which view is broken, what to do`],
  'unverifiable: a legacy archive without manifest.json': ['legacy'],
  'unverifiable: what cannot be read to its end, or holds no hashes of what is in it': ['encrypted-layers', 'schema-1', `${longHostile}: a gzip bomb as a layer`],
  'not an image: what it looks like, and what to do with it': ['root-file-system', 'volume', 'text', 'error-page', 'error-json', 'qcow', 'encrypted', 'empty-tar', 'layout-in-folder', 'layout-empty', 'web-application', 'cut-at-0'],
  'a cut archive is damaged and no crash': ['cut-in-layer', 'outer-gzip-cut', 'outer-gzip-cut-in-header', 'outer-zstd-cut-in-block'],
  'a file that cannot be opened or read is 11, 13 or 30': [`${command}: a file that is not there is 11, one that may not be read 13, one that cannot be read 30`],
}

export const rules: Readonly<Record<string, Shown>> = {
  '1 two views, each judged, a broken second one is a finding of its own': ['one-view-broken', 'layer-type-plain', 'docker-25-by-id', 'index-media-type', 'index-platform', 'names-differ'],
  '1 "manifests": null beside a good manifest.json': ['docker-25-by-id'],
  '2 a missing child manifest of an index is normal': ['containerd-store-other-platforms'],
  '2 a missing config or layer of a manifest that is present is damage': ['blob-config-missing', 'blob-layer-missing'],
  '3 docker save leaves out layers on the containerd store': ['layers-left-out', `${engineCases}: a thinned load that is saved again is damaged, and it is said what happened`],
  '3 docker save without layers': ['no-layers-saved'],
  '3 docker save with wrong diffIDs': ['layer-wrong-diff-ids'],
  '3 an error object at the end of the tar': ['engine-message', 'engine-message-in-layer'],
  '4 blob digest, diffID and size are three checks, and each fails alone': ['artifact-changed', 'layer-wrong-diff-ids', 'layer-size', 'layer-bit'],
  '4 nothing is allocated from a declared size': ['index-size-large', 'size-10-gb'],
  '5 a config named by its digest has to have it': ['config-changed', 'config-named-wrong'],
  '5 <v1id>/layer.tar is no hash': ['docker-24'],
  '5 <hex>.tar is the diffID': ['podman', 'layer-named-wrong'],
  '5 <hex>.tar.gz is the digest of what is compressed': ['kaniko', 'jib', 'layer-packed-named-wrong'],
  '6 relative symbolic links to other layers': ['docker-24-twice', 'symbolic-link', 'skopeo-docker-archive'],
  '6 inside the archive only': ['layer-link-out', 'layer-link-absolute'],
  '6 without circles': ['config-link-in-circle', 'layer-link-in-circle', 'layer-hard-link-in-circle'],
  '6 hard links': ['hard-link', 'config-hard-link-nowhere'],
  '7 a member twice with the same content is none to worry about': ['doubled-same'],
  '7 a member twice with different content is damage': ['manifest-twice', 'layer-twice-differs'],
  '8 a load proves nothing: all is compared without an engine': [`${engines}: is valid, and names its images`],
  '9 keys in any case': ['lower-case-keys'],
  '10 "./"': ['dot-names'],
  '10 absolute member names': ['absolute-names'],
  '10 a config named sha256:<hex> or config.json': ['kaniko', 'jib'],
  '10 gzip under a .tar name': ['gzip-under-tar-name'],
  '10 RepoTags null or []': ['docker-28-by-id', 'docker-25-by-id'],
  '10 names that engines take, and those at which a load ends': ['names-of-hosts', 'names-numbers', 'name-upper-case', 'name-without-tag', 'name-with-digest', `${engineCases}: what is called odd is loaded by an engine and saved as it was, and what is called a bad name ends a load`],
  '10 Layers null without diffIDs': ['no-layers'],
  '10 one path many times': ['one-path-often'],
  '10 empty layers of 0 and 1024 bytes': ['empty-layers'],
  '10 an empty path for the empty layer': ['bazel'],
  '10 names in PAX headers': ['pax-names'],
  '11 attestations: JSON as layer, hashed and not unpacked': ['buildx-attestation', 'signature'],
  '11 artifacts: {} as config, unknown types, no diffIDs': ['artifact', 'helm-chart', 'artifact-changed'],
  '11 eStargz and pigz: several gzip members': ['estargz'],
  '11 zstd:chunked: several frames with skippable ones': ['zstd-chunked'],
  '12 outer compression by magic number': ['outer-gzip', 'outer-zstd', `${unit}: xz around it`, `${unit}: bzip2 around it`, `${unit}: zstd around it`],
  '12 which program is missing': ['unit/archive/decompress-stream.test.ts: a missing program is named, with a way out'],
  '13 foreign layers may be absent: incomplete, with the addresses': ['foreign-layer', 'foreign-layer-of-both-views', 'non-distributable-present'],
  '13 foreign layers excuse nothing else': ['foreign-layer-and-damage'],
  '13 nothing is fetched': [`${unit}: nothing here can reach a network`],
  '14 image ids differ between the stores: config digests are compared': [`${engines}: is valid, and names its images`],
  '15 the end is two zero blocks': ['no-end-blocks', 'one-end-block', 'cut-between-members', cuts],
  '15 everything that is named has been seen': ['layers-left-out', 'blob-manifest-missing', 'no-layers-saved'],
  '15 a layer that was made without an end, by its hash, is loaded': ['layer-without-end', 'layer-followed', 'layer-without-end-changed'],
  '16 forms of other checkers and tools: lists and manifests of docker, dir:': ['docker-list', 'dir-transport', 'dir-transport-list', 'dir-transport-layer-missing', `${engines}: copied by skopeo, it is valid in every form`],
}

export const badInput: Readonly<Record<string, Shown>> = {
  'bounded memory, no hang, no crash': [`cli/verify-hostile-contract.ts: in seconds and little memory`],
  'nothing is written': [`${hostile}: nothing is written anywhere`],
  'never valid for a changed bit that a load would read': [bits, everyBit],
  'cut at 0, 1, 511, 512': ['cut-at-0', 'cut-at-1', 'cut-at-511', 'cut-at-512'],
  'cut inside a header, inside a layer, at any entry boundary': ['cut-at-511', 'cut-in-layer', 'cut-between-members', cuts],
  'without end blocks': ['no-end-blocks'],
  'one bit in header, data or padding': ['bit-in-header', 'bit-in-padding', 'layer-bit', bits],
  'garbage or a second tar appended': ['garbage-behind', 'second-tar-behind'],
  'gzip with a wrong CRC, cut, trailing, of two members': ['outer-gzip-checksum', 'outer-gzip-cut', 'outer-gzip-trailing', 'outer-gzip'],
  'xz inside gzip': ['zstd-in-gzip', `${unit}: xz within gzip is no image, and it is said what it is`],
  'negative or huge base-256 sizes': ['size-negative', 'size-63', 'size-huge'],
  'names that are not UTF-8, hold NUL, newlines, 300 bytes, PAX overrides': ['name-not-utf-8', 'name-with-nul', 'name-with-newline', 'name-300-bytes', 'name-pax-override', 'name-out'],
  'a device, fifo, hard link, symlink (cycle, absolute, out) in place of manifest.json, config or a layer': ['manifest-device', 'config-fifo', 'manifest-link-out', instead],
  'manifest.json: missing, empty, null, {}, [null], [], a string': ['oci-layout', 'manifest-empty', 'manifest-null', 'manifest-object', 'manifest-list-of-null', 'manifest-no-images', 'manifest-string'],
  'manifest.json: BOM, trailing bytes, doubled keys': ['manifest-byte-order-mark', 'manifest-trailing-bytes', 'manifest-doubled-key'],
  'manifest.json: 100 MB of white space, a million levels deep': [`${longHostile}: 100 MB of white space as manifest.json`, `${unit}: manifest.json is a million levels deep`],
  'Config: ../x, absolute, a directory, a number': ['config-path-out', 'config-path-absolute', 'config-path-directory', 'config-path-number'],
  'Layers: missing, extra, fewer, reordered, ../': ['layers-none', 'layers-more', 'layers-fewer', 'layers-reordered', 'layers-path-out'],
  'two members of that name': ['manifest-twice'],
  'config: not JSON, no rootfs, type other than layers': ['config-not-json', 'config-no-rootfs', 'config-rootfs-type'],
  'diff_ids: empty, sha512, upper case, malformed': ['config-no-diff-ids', 'config-sha512', 'config-upper-case', 'config-malformed-diff-id'],
  'history that does not match': ['config-history'],
  'layers: one bit, cut, not a tar': ['layer-bit', 'layer-cut', 'layer-not-a-tar', 'layer-is-json', 'layer-gzip-checksum', 'layer-gzip-trailing'],
  'layers: a gzip bomb, a zstd frame with a huge window': [`${longHostile}: a gzip bomb as a layer`, `${hostile}: a zstd layer that asks for two gigabytes of memory`],
  'layers: unknown compression, a media type that lies': ['layer-other-compression', 'layer-type-plain', 'layer-type-gzip'],
  'layers: members with ../ or absolute names, doubled members': ['odd-names-in-layer'],
  'oci-layout: missing, version 2.0.0, not JSON': ['layout-file-missing', 'layout-version', 'layout-not-json'],
  'index.json: a directory, empty, null': ['index-directory', 'index-empty-file', 'index-null'],
  'digests: sha256:../../x, md5, too short, sha512': ['index-digest-path', 'index-digest-md5', 'index-digest-short', 'layer-digest-sha512'],
  'sizes: 0, negative, 2^63': ['index-size-0', 'index-size-negative', 'index-size-63'],
  'a blob missing for each role': ['blob-manifest-missing', 'blob-config-missing', 'blob-layer-missing', 'index-hollow'],
  'wrong content under a right name': ['blob-wrong-content', 'layer-bit', 'artifact-changed'],
  'an index and a manifest in one': ['index-and-manifest'],
  'indexes nested 1, 2 and 50 deep': ['buildx-attestation', 'nested-index', 'nested-50'],
  'one digest under two tags': ['two-names'],
  'orphan blobs': ['orphan-blob'],
}
