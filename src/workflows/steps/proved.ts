import { createHash } from 'node:crypto'
import { DrayError } from '../../errors/dray-error.ts'
import type { Digest } from '../../store/oci.ts'

/** Hands the bytes on, and throws `damaged` at their end unless they have this digest. */
export async function* proved(body: AsyncIterable<Buffer>, digest: Digest): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  for await (const bytes of body) {
    hash.update(bytes)
    yield bytes
  }
  const found = `sha256:${hash.digest('hex')}`
  if (found !== digest) throw new DrayError('damaged', `"${digest}" of the image has the content of "${found}"`)
}
