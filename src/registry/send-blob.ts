import { DrayError } from '../errors/dray-error.ts'
import { pieceBytes, UploadLost, type BlobUpload } from './blob-upload.ts'
import type { RegistryRepository } from './registry-repository.ts'

export type BlobSource = {
  readonly digest: string
  readonly size: number
  /** The bytes from the beginning, which fail at their end unless they are the digest's; may be asked for again. */
  readonly open: () => AsyncIterable<Buffer>
}

export type SendOptions = {
  /** Other names of the registry that may have the blob. */
  readonly mountFrom?: readonly string[]
  readonly onBytes?: (bytes: number) => void
}

const mostRestarts = 5

/** Uploads a blob that is not there, or lets the registry take it from another name. The registry compares the digest: `damaged` when the bytes were changed on their way. */
export async function sendBlob(repository: RegistryRepository, blob: BlobSource, { mountFrom = [], onBytes = () => undefined }: SendOptions = {}): Promise<'sent' | 'mounted'> {
  for (let [restarts, sent, from] = [0, 0, mountFrom]; ; restarts++) {
    const started = await begin(repository, blob.digest, from)
    if (started === 'mounted') return 'mounted'
    let passed = 0
    try {
      await sendPieces(started, blob, bytes => {
        passed += bytes
        // what is sent again is not counted again
        onBytes(Math.max(0, passed - sent))
        sent = Math.max(sent, passed)
      })
      return 'sent'
    } catch (thrown) {
      if (!(thrown instanceof UploadLost)) {
        await started.cancel()
        throw thrown
      }
      if (restarts >= mostRestarts) throw new DrayError('io-failed', `uploading blob "${blob.digest}" to "${repository.path}": the registry lost the upload ${restarts + 1} times: ${thrown.message}`, { cause: thrown, hints: ['run the same command again: what has arrived is not sent again'] })
      from = []
    }
  }
}

/** The last name that is tried leaves an upload behind, which is used. */
async function begin(repository: RegistryRepository, digest: string, mountFrom: readonly string[]): Promise<BlobUpload | 'mounted'> {
  for (const [at, from] of mountFrom.entries()) {
    const started = await repository.startUpload({ digest, from }).catch((thrown: unknown) => {
      if (thrown instanceof DrayError && ['unauthorized', 'refused', 'not-found'].includes(thrown.code)) return undefined
      throw thrown
    })
    if (started === 'mounted' || (started !== undefined && at === mountFrom.length - 1)) return started
    await started?.cancel()
  }
  return await repository.startUpload()
}

/** The last piece goes when the source has ended well. */
async function sendPieces(upload: BlobUpload, { digest, size, open }: BlobSource, onBytes: (bytes: number) => void): Promise<void> {
  let bytes = 0
  let held: Buffer | undefined
  for await (const piece of inPieces(open())) {
    if (held !== undefined) {
      await upload.append(held)
      onBytes(held.length)
    }
    held = piece
    bytes += piece.length
  }
  if (bytes !== size) throw new DrayError('damaged', `blob "${digest}" has ${bytes} bytes and not ${size}`, { hints: ['what is damaged: dray verify'] })
  await upload.finish(digest, held ?? Buffer.alloc(0))
  onBytes(held?.length ?? 0)
}

/** Pieces of `pieceBytes`, the last one shorter. */
export async function* inPieces(source: AsyncIterable<Buffer>, length = pieceBytes): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = []
  let held = 0
  for await (const bytes of source) {
    for (let rest = bytes; rest.length > 0;) {
      const taken = rest.subarray(0, length - held)
      rest = rest.subarray(taken.length)
      pieces.push(taken)
      held += taken.length
      if (held < length) continue
      yield joined(pieces)
      pieces = []
      held = 0
    }
  }
  if (held > 0) yield joined(pieces)
}

/** Without a copy of one that is whole. */
function joined(pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
}
