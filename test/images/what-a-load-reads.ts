/** What engines take from an archive, told without the checker: two archives with the same of it are the same to `docker load`. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { collect } from './saved-image.ts'

type Json = Record<string, unknown>

/** Undefined when the tar cannot be read. */
export async function whatALoadReads(archive: Buffer): Promise<string | undefined> {
  const members: [string, unknown][] = []
  try {
    const entries = extract()
    const fed = pipeline(Readable.from([archive]), entries)
    fed.catch(() => undefined)
    for await (const entry of entries) {
      const { name, type, linkname } = entry.header
      members.push([name, [type, linkname, readOf(name, await collect(entry as AsyncIterable<Buffer>))]])
    }
    return JSON.stringify(members)
  } catch {
    return undefined
  }
}

/** Of the documents that are under no hash, the fields that count. */
function readOf(name: string, content: Buffer): unknown {
  if (name === 'manifest.json') return listOf(content).map(item => ['Config', 'RepoTags', 'Layers'].map(key => field(item, key)))
  if (name === 'index.json') return (field(JSON.parse(content.toString()) as Json, 'manifests') as Json[]).map(descriptorOf)
  if (name === 'oci-layout') return field(JSON.parse(content.toString()) as Json, 'imageLayoutVersion')
  // beside manifest.json nobody reads these
  return name === 'repositories' || /\/(?:VERSION|json)$/.test(name) ? undefined : content.toString('base64')
}

function listOf(content: Buffer): Json[] {
  return JSON.parse(content.toString()) as Json[]
}

function descriptorOf(descriptor: Json): unknown {
  const annotations = (field(descriptor, 'annotations') ?? {}) as Json
  const full = field(annotations, 'io.containerd.image.name')
  // the tag counts where the full name is missing
  return [...['mediaType', 'digest', 'size', 'platform'].map(key => field(descriptor, key)), full ?? field(annotations, 'org.opencontainers.image.ref.name')]
}

function field(object: Json, name: string): unknown {
  return Object.entries(object).findLast(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
}
