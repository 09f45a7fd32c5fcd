import { Readable } from 'node:stream'
import { checkImageArchive } from '../../src/integrity/check-image-file.ts'
import type { ImageReport } from '../../src/integrity/image-report.ts'
import { whatALoadReads } from './what-a-load-reads.ts'

export async function checkBytes(bytes: Buffer): Promise<ImageReport> {
  return await checkImageArchive(Readable.from([bytes], { objectMode: false }), { signal: new AbortController().signal })
}

/** Lengths of 512 bytes each at which the archive, cut there, would still be called valid. */
export async function validCuts(archive: Buffer): Promise<number[]> {
  const found: number[] = []
  for (let length = 0; length < archive.length - trailingZeros(archive); length += 512) if ((await checkBytes(archive.subarray(0, length))).verdict === 'valid') found.push(length)
  return found
}

/** Bytes of zeros beyond the two blocks that end it: a load reads none of them. */
function trailingZeros(archive: Buffer): number {
  let end = archive.length
  while (archive[end - 1] === 0) end--
  return Math.max(0, archive.length - (Math.ceil(end / 512) * 512 + 1024))
}

/** Bits that are counted from the first, which are called valid when they are changed though a load reads them. */
export async function unnoticedBits(archive: Buffer, bits: Iterable<number>): Promise<number[]> {
  const before = await whatALoadReads(archive)
  const found: number[] = []
  for (const bit of bits) {
    const changed = Buffer.from(archive)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    if ((await checkBytes(changed)).verdict === 'valid' && (await whatALoadReads(changed)) !== before) found.push(bit)
  }
  return found
}

/** Always the same ones, spread over the archive; more of them where names and hashes are. */
export function sampledBits(archive: Buffer, count: number): number[] {
  const documents = ['manifest.json', 'index.json', 'repositories'].map(name => archive.indexOf(`${name}\0`)).filter(at => at >= 0)
  let state = 12345
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
  return Array.from({ length: count }, (_, i) => {
    const start = i % 2 === 0 ? undefined : documents[i % documents.length]
    const byte = start === undefined ? random(archive.length) : Math.min(archive.length - 1, start + random(1200))
    return byte * 8 + random(8)
  })
}
