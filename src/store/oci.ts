/** The OCI image layout's own documents, and dray's media types on top of them (docs/repository-format.md). */
export type Digest = `sha256:${string}`

export type Platform = { readonly os: string; readonly architecture: string; readonly variant?: string }

export type Descriptor = {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly artifactType?: string
  readonly platform?: Platform
  readonly annotations?: Readonly<Record<string, string>>
}

export type Manifest = {
  readonly schemaVersion: 2
  readonly mediaType: string
  readonly artifactType?: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly annotations?: Readonly<Record<string, string>>
}

export type Index = {
  readonly schemaVersion: 2
  readonly mediaType: string
  readonly artifactType?: string
  readonly manifests: readonly Descriptor[]
  readonly annotations?: Readonly<Record<string, string>>
}

export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  imageConfig: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  empty: 'application/vnd.oci.empty.v1+json',
  backup: 'application/vnd.drayage.backup.v1+json',
  container: 'application/vnd.drayage.container.v1+json',
  mount: 'application/vnd.drayage.mount.v1+json',
  containerConfig: 'application/vnd.drayage.container.config.v1+json',
  mountConfig: 'application/vnd.drayage.mount.config.v1+json',
  chunkZstd: 'application/vnd.drayage.chunk.v1.tar+zstd',
  chunkGzip: 'application/vnd.drayage.chunk.v1.tar+gzip',
  tocZstd: 'application/vnd.drayage.toc.v1+ndjson+zstd',
  tocGzip: 'application/vnd.drayage.toc.v1+ndjson+gzip',
} as const

/** The content of the blob of media type `empty`. */
export const emptyConfig = '{}'

/** The annotation of an entry in index.json under whose value the containerd store lists it: a full name. */
export const containerdNameKey = 'io.containerd.image.name'
