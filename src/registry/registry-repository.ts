import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf } from '../errors/system-error.ts'
import type { Access } from './authorization.ts'
import type { Registry } from './registry.ts'
import { fromConnectionError } from './registry-error.ts'
import { BlobUpload } from './blob-upload.ts'
import { storingMs } from './storing-time.ts'

/** Registries take no longer ones (ENGINE-FACTS 6), and what is longer is none. */
const mostManifestBytes = 4 * 1024 * 1024

export type StoredManifest = { readonly bytes: Buffer; readonly mediaType: string; readonly digest: string }
export type ManifestHead = { readonly digest: string | undefined; readonly size: number | undefined }

const accepted = ['application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json', 'application/vnd.docker.distribution.manifest.v2+json'].join(', ')

/** One name in a registry: its manifests, tags and blobs. `reference` is a tag or a digest. */
export class RegistryRepository {
  readonly registry: Registry
  readonly name: string
  /** Ends every request. */
  readonly signal: AbortSignal

  constructor(registry: Registry, name: string, signal: AbortSignal) {
    this.registry = registry
    this.name = name
    this.signal = signal
    // as many as there are requests
    setMaxListeners(0, signal)
  }

  /** For messages: `HOST/NAME`. */
  get path(): string {
    return `${this.registry.host}/${this.name}`
  }

  /** Undefined when there is none. */
  async headManifest(reference: string): Promise<ManifestHead | undefined> {
    const answer = await this.registry.headOf(this.#url(`manifests/${reference}`), { method: 'HEAD', headers: { Accept: accepted }, doing: `looking for manifest "${reference}"`, access: this.#access('pull'), accepts: [404], signal: this.signal })
    if (answer.statusCode === 404) return undefined
    const length = Number(answer.headers['content-length'])
    const digest = answer.headers['docker-content-digest']
    return { digest: typeof digest === 'string' ? digest : undefined, size: Number.isSafeInteger(length) && length > 0 ? length : undefined }
  }

  /** Byte for byte; asked for by its digest, it is verified. Undefined when there is none. Throws `damaged`. */
  async getManifest(reference: string): Promise<StoredManifest | undefined> {
    const doing = `reading manifest "${reference}"`
    const answer = await this.registry.request(this.#url(`manifests/${reference}`), { method: 'GET', headers: { Accept: accepted }, doing, access: this.#access('pull'), accepts: [404], signal: this.signal })
    if (answer.statusCode === 404) {
      answer.resume()
      return undefined
    }
    const pieces: Buffer[] = []
    let length = 0
    try {
      for await (const piece of answer as AsyncIterable<Buffer>) {
        length += piece.length
        if (length > mostManifestBytes) throw new DrayError('damaged', `manifest "${reference}" of "${this.path}" is longer than any can be`)
        pieces.push(piece)
      }
    } catch (thrown) {
      this.signal.throwIfAborted()
      throw fromConnectionError(thrown, doing, this.registry.host)
    }
    const bytes = Buffer.concat(pieces)
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    if (reference.startsWith('sha256:') && digest !== reference) throw new DrayError('damaged', `manifest "${reference}" of "${this.path}" does not have the content that its name says`)
    return { bytes, mediaType: (answer.headers['content-type'] ?? '').replace(/;.*$/, ''), digest }
  }

  /** Returns its digest. What it refers to has to be there. */
  async putManifest(reference: string, bytes: Buffer, mediaType: string): Promise<void> {
    await this.registry.headOf(this.#url(`manifests/${reference}`), { method: 'PUT', headers: { 'Content-Type': mediaType }, body: bytes, silenceMs: storingMs, doing: `writing manifest "${reference}" to "${this.path}"`, access: this.#access('pull,push'), signal: this.signal })
  }

  /** Takes all its tags with it. False when there was none. Throws `refused` where the registry does not delete. */
  async deleteManifest(digest: string): Promise<boolean> {
    const answer = await this.registry.headOf(this.#url(`manifests/${digest}`), { method: 'DELETE', doing: `deleting manifest "${digest}" from "${this.path}"`, access: [...this.#access('pull'), ...this.#access('delete')], accepts: [404], signal: this.signal })
    return answer.statusCode !== 404
  }

  /** All tags, in no order. None when the name does not exist. */
  async listTags(): Promise<string[]> {
    const tags: string[] = []
    const doing = `listing the tags of "${this.path}"`
    for (let next: string | undefined = this.#url('tags/list?n=1000'); next !== undefined;) {
      const answer = await this.registry.request(next, { method: 'GET', doing, access: this.#access('pull'), accepts: [404], signal: this.signal })
      const pieces: Buffer[] = []
      for await (const piece of answer as AsyncIterable<Buffer>) pieces.push(piece)
      if (answer.statusCode === 404) return tags
      const page = (JSON.parse(Buffer.concat(pieces).toString()) as { tags?: unknown }).tags
      if (Array.isArray(page)) for (const tag of page) tags.push(String(tag))
      next = /<([^>]+)>\s*;\s*rel="?next"?/.exec([answer.headers['link']].flat().join(', '))?.[1]
    }
    return [...new Set(tags)]
  }

  /** Undefined when it is not there; a size of -1 when the registry does not say it. */
  async headBlob(digest: string): Promise<{ readonly size: number } | undefined> {
    const answer = await this.registry.headOf(this.#url(`blobs/${digest}`), { method: 'HEAD', doing: `looking for blob "${digest}"`, access: this.#access('pull'), accepts: [404], signal: this.signal })
    if (answer.statusCode === 404) return undefined
    const { 'content-length': length } = answer.headers
    return { size: length === undefined ? -1 : Number(length) }
  }

  /** The bytes, taken up where a lost connection has left them. Not verified. Throws `not-found`. */
  async *readBlob(digest: string): AsyncGenerator<Buffer> {
    const doing = `reading blob "${digest}" of "${this.path}"`
    for (let [offset, fruitless] = [0, 0]; ;) {
      const before = offset
      try {
        const range: Record<string, string> = offset === 0 ? {} : { Range: `bytes=${offset}-` }
        const answer = await this.registry.request(this.#url(`blobs/${digest}`), { method: 'GET', headers: range, doing, access: this.#access('pull'), signal: this.signal })
        // whoever does not know ranges begins again
        let skip = answer.statusCode === 206 ? 0 : offset
        for await (const piece of answer as AsyncIterable<Buffer>) {
          const rest = piece.subarray(Math.min(skip, piece.length))
          skip -= piece.length - rest.length
          if (rest.length === 0) continue
          offset += rest.length
          yield rest
        }
        return
      } catch (thrown) {
        this.signal.throwIfAborted()
        fruitless = offset > before ? 0 : fruitless + 1
        if (thrown instanceof DrayError || errnoOf(thrown) === undefined || fruitless > 3) throw fromConnectionError(thrown, doing, this.registry.host)
      }
    }
  }

  /** Begins an upload: or takes the blob over from another name, where the registry can. */
  async startUpload(mount?: { readonly digest: string; readonly from: string }): Promise<BlobUpload | 'mounted'> {
    const query = mount === undefined ? '' : `?mount=${encodeURIComponent(mount.digest)}&from=${encodeURIComponent(mount.from)}`
    const access: Access[] = [...this.#access('pull,push'), ...(mount === undefined ? [] : [{ name: mount.from, actions: 'pull' as const }])]
    const answer = await this.registry.headOf(this.#url(`blobs/uploads/${query}`), { method: 'POST', doing: `beginning an upload to "${this.path}"`, access, signal: this.signal })
    if (answer.statusCode === 201) return 'mounted'
    return new BlobUpload(this, answer, this.#access('pull,push'))
  }

  #url(rest: string): string {
    return `/v2/${this.name}/${rest}`
  }

  #access(actions: Access['actions']): Access[] {
    return [{ name: this.name, actions }]
  }
}

