export type Severity = 'error' | 'warning' | 'note'

export type FindingMeaning = {
  readonly severity: Severity
  /** What was found, in a sentence. */
  readonly meaning: string
  /** What to do about it. */
  readonly remedy: string
}

const saveAgain = 'save or copy the image again from where it came from'

/** Everything that the checker can say. docs/image-archive-checks.md is checked against this table. */
export const findingCodes = {
  'archive-cut': { severity: 'error', meaning: 'the archive ends before its end: it was not written or copied whole', remedy: saveAgain },
  'archive-malformed': { severity: 'error', meaning: 'the archive is not a well-formed tar at this place', remedy: saveAgain },
  'engine-message': { severity: 'error', meaning: 'the engine failed while it saved, and its message is the end of the archive', remedy: 'put right what the message says and save again' },
  'compression-damaged': { severity: 'error', meaning: 'the compressed data is damaged or cut', remedy: saveAgain },
  'archive-expands': { severity: 'error', meaning: 'the archive becomes hundreds of times larger when it is unpacked: it was not read on', remedy: 'do not load it unless you know why; unpack it by hand and check the tar' },
  'memory-excessive': { severity: 'error', meaning: 'unpacking it takes more memory than anything needs that was not made for it: it was not read', remedy: 'do not load it unless you know why; compress it again with usual settings' },
  'too-many-members': { severity: 'error', meaning: 'the archive has more files than any image: it was not read on', remedy: 'do not load it: make the image again with a tool you trust' },
  'member-differs': { severity: 'error', meaning: 'a name occurs twice, with different content: which one is loaded depends on the program', remedy: saveAgain },
  'member-missing': { severity: 'error', meaning: 'a file that belongs to an image is not there', remedy: saveAgain },
  'left-out': { severity: 'error', meaning: 'the engine left this out when it saved the image: an engine with the containerd store does so without an error when its own store lacks it, though containers run', remedy: 'pull the image again on that engine (remove it there first if that changes nothing), or save it on another host that has it whole; see moby issue 49473' },
  'member-not-a-file': { severity: 'error', meaning: 'what should be a file is something else, or a link that leads nowhere or out of the archive', remedy: saveAgain },
  'path-unsafe': { severity: 'error', meaning: 'a path leads out of the archive', remedy: 'do not load it: make the image again with a tool you trust' },
  'json-unreadable': { severity: 'error', meaning: 'a document is not the JSON that it has to be', remedy: saveAgain },
  'json-ambiguous': { severity: 'error', meaning: 'an object of a document has a key twice: which one counts depends on the program', remedy: saveAgain },
  'document-too-large': { severity: 'error', meaning: 'a document is larger or deeper than any of its kind', remedy: saveAgain },
  'digest-unsupported': { severity: 'error', meaning: 'a digest is not "sha256:" and 64 hexadecimal digits', remedy: 'make the image again with sha256 digests' },
  'digest-unverified': { severity: 'error', meaning: 'a digest is of sha512, which is not compared: what it names may be good', remedy: 'verify it with a tool that knows sha512, or make the image again with sha256 digests' },
  'digest-mismatch': { severity: 'error', meaning: 'the content is not what its digest, or its name, says', remedy: saveAgain },
  'size-mismatch': { severity: 'error', meaning: 'the size is not what its descriptor says', remedy: saveAgain },
  'diff-id-mismatch': { severity: 'error', meaning: 'a layer does not hold what the image\'s config says', remedy: saveAgain },
  'layer-count': { severity: 'error', meaning: 'an image lists more or fewer layers than its config', remedy: saveAgain },
  'layer-damaged': { severity: 'error', meaning: 'a layer cannot be unpacked, or is not a whole tar', remedy: saveAgain },
  'layer-expands': { severity: 'error', meaning: 'a layer becomes hundreds of times larger when it is unpacked: it was not read on', remedy: 'do not load it unless you know why; unpack it by hand and check its sha256' },
  'layer-encrypted': { severity: 'error', meaning: 'a layer is encrypted: it is as it was made, and nothing can be said of what is in it', remedy: 'decrypt it first: skopeo copy --decryption-key KEY FROM TO' },
  'manifest-obsolete': { severity: 'error', meaning: 'a manifest is of schema 1, which holds no hashes of what the layers unpack to, and which current engines do not load', remedy: 'pull it with an engine that still can, and save it again' },
  'config-invalid': { severity: 'error', meaning: 'an image\'s config lacks what every config has', remedy: saveAgain },
  'names-differ': { severity: 'error', meaning: 'the names that the image is loaded under are not the same everywhere in the archive: one of them was changed', remedy: saveAgain },
  'name-invalid': { severity: 'error', meaning: 'a name is none that engines give to images: a load ends at it', remedy: 'give the image a name such as "name:tag", and save it again' },
  'type-differs': { severity: 'error', meaning: 'a media type says something else than what is there, so engines with the containerd store do not load it', remedy: saveAgain },
  'platform-differs': { severity: 'error', meaning: 'index.json names another platform than the image\'s config', remedy: saveAgain },
  'index-unreadable': { severity: 'error', meaning: 'index.json, or an index in it, is not one', remedy: saveAgain },
  'index-hollow': { severity: 'error', meaning: 'an index names images of which none is there', remedy: 'pull the image for your platform, and save it again' },
  'nested-too-deep': { severity: 'error', meaning: 'indexes contain indexes more than eight levels deep', remedy: 'make the image again with a tool you trust' },
  'layout-unsupported': { severity: 'error', meaning: 'oci-layout is missing beside index.json, or is not of version 1.0.0', remedy: saveAgain },
  'layer-end': { severity: 'warning', meaning: 'the tar of a layer has no end blocks, or something behind them, and was made like that, by its hash: engines load it, other tools may not', remedy: 'nothing, or make the image again with another tool: umoci insert leaves them out' },
  'foreign-layer': { severity: 'warning', meaning: 'a layer is to be fetched from elsewhere, and is not in the archive: that is by design', remedy: 'keep the addresses reachable, or save it where foreign layers are included' },
  'views-differ': { severity: 'warning', meaning: 'manifest.json and index.json name different images: classic engines load one, the containerd store the other', remedy: 'load it with the kind of engine that you checked it for' },
  'history-differs': { severity: 'warning', meaning: 'the history in an image\'s config tells of more or fewer layers than there are: it loads, and docker history may fail', remedy: 'nothing, or make the image again' },
  'type-inexact': { severity: 'warning', meaning: 'a layer is not compressed as its media type says: engines load it, other tools may not', remedy: 'copy it with a tool that writes exact types' },
  'index-empty': { severity: 'warning', meaning: 'index.json names no image, so engines with the containerd store load nothing', remedy: 'save it by name instead of by id, or load it with a classic engine' },
  'no-hashes': { severity: 'warning', meaning: 'the archive is of a time before manifest.json and holds no hashes: nothing can be compared', remedy: 'load it with Docker 28 or older and save it again' },
  'platform-absent': { severity: 'note', meaning: 'the image of another platform is named and not there: usual, as only the platform that was pulled is saved', remedy: 'pull with --platform to have it too' },
  'member-doubled': { severity: 'note', meaning: 'a name occurs twice, with the same content', remedy: 'nothing has to be done' },
  'not-referenced': { severity: 'note', meaning: 'a file that no image needs', remedy: 'nothing has to be done' },
} as const satisfies Record<string, FindingMeaning>

export type FindingCode = keyof typeof findingCodes
