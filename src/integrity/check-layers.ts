import { createReadStream } from 'node:fs'
import { tellBytes } from '../archive/tell-bytes.ts'
import { messageOf } from '../errors/dray-error.ts'
import { isLostContent } from '../errors/lost-content.ts'
import { unlessDamaged } from '../errors/unless-damaged.ts'
import { DigestSet } from '../store/digest-set.ts'
import { digestOf } from '../store/digest.ts'
import type { Descriptor, Digest } from '../store/oci.ts'
import { readImage } from '../store/stored-image.ts'
import type { DeepJob } from './check-mount-content.ts'
import { Meter } from './meter.ts'
import { readMember } from './read-member.ts'

const readBytes = 256 * 1024

/** The deep check of images: every layer unpacked, a whole tar, and what the config says. Each layer is read once. */
export class LayerCheck {
  readonly #job: DeepJob
  readonly #checked = new DigestSet()

  constructor(job: DeepJob) {
    this.#job = job
  }

  async check(image: Descriptor): Promise<void> {
    const { checking: { blobs, table }, share, signal } = this.#job
    const stored = await unlessDamaged(readImage(blobs, image))
    for (const { diffId, descriptor } of stored?.layers ?? []) {
      signal.throwIfAborted()
      if (table.isBad(descriptor.digest) || !this.#checked.add(digestOf(Buffer.from(`${descriptor.digest} ${diffId}`)))) continue
      if (Math.random() < share) await this.#layer(descriptor, diffId)
    }
  }

  async #layer({ digest, size }: Descriptor, diffId: Digest): Promise<void> {
    const { checking, onBytes } = this.#job
    const reading = { isWhole: true }
    const path = checking.blobs.pathOf?.(digest)
    const file = tellBytes(path === undefined ? checking.blobs.openRead(digest) : createReadStream(path, { highWaterMark: readBytes }), onBytes)
    const member = await readMember(digest, size, file, new Meter(undefined, false), () => Promise.resolve(undefined)).catch((thrown: unknown) => {
      if (!isLostContent(thrown) && !['ENOENT', 'damaged'].includes((thrown as { code?: unknown }).code as string)) throw thrown
      reading.isWhole = false
    })
    if (!reading.isWhole || member?.digest !== digest) {
      await checking.isSound({ digest, size }, 'read')
      return
    }
    const { content } = member
    if (content.kind === 'data' && content.isTar && content.plainDigest === diffId) {
      checking.table.mark(digest, 'sound')
      return
    }
    const found = content.kind !== 'data' ? 'no layer' : content.problem?.words ?? content.plainDigest
    await checking.condemn(digest, 'image-inconsistent', `layer "${diffId}"`, found === undefined ? undefined : messageOf(found))
  }
}
