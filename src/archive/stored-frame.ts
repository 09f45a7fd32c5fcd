/** zstd frames of what does not get smaller: noise, and what is compressed or encrypted already. */

const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
/** One segment, its length in four bytes, no checksum (RFC 8878, 3.1.1.1.1). */
const frameFlags = 0xa0
const mostBlockBytes = 128 * 1024
const blockHeaderBytes = 3

/** A frame of raw blocks (RFC 8878, 3.1.1.2): the content as it is, in pieces of its own memory and headers between them. */
export function storedFrame(plain: Buffer): Buffer[] {
  const header = Buffer.alloc(9)
  magic.copy(header)
  header.writeUInt8(frameFlags, 4)
  header.writeUInt32LE(plain.length, 5)
  const pieces: Buffer[] = [header]
  let at = 0
  do {
    const block = plain.subarray(at, at + mostBlockBytes)
    at += block.length
    const blockHeader = Buffer.alloc(blockHeaderBytes)
    blockHeader.writeUIntLE((block.length << 3) | (at === plain.length ? 1 : 0), 0, blockHeaderBytes)
    pieces.push(blockHeader, block)
  } while (at < plain.length)
  return pieces
}

const leastBytes = 256 * 1024
const samples = 16
const sampleBytes = 4096
const countedBytes = 1024
/** Of eight bits a byte: text has five, programs six, noise all of them. */
const leastEntropy = 7.8
const leastGain = 0.02

const sample = Buffer.alloc(samples * sampleBytes)
const counts = new Uint32Array(256)

/**
 * Whether compressing would be in vain, judged by samples from all over: compressed ones, where all values of a byte are about as
 * frequent. What repeats itself over longer distances is not seen.
 */
export function isIncompressible(plain: Buffer, compressedLength: (sample: Buffer) => number): boolean {
  if (plain.length < leastBytes) return false
  const step = Math.floor((plain.length - sampleBytes) / (samples - 1))
  counts.fill(0)
  for (let at = 0; at < samples; at++) for (const byte of plain.subarray(at * step, at * step + countedBytes)) counts[byte] = (counts[byte] ?? 0) + 1
  if (entropyOf(counts, samples * countedBytes) < leastEntropy) return false
  for (let at = 0; at < samples; at++) plain.copy(sample, at * sampleBytes, at * step, at * step + sampleBytes)
  return compressedLength(sample) > sample.length * (1 - leastGain)
}

/** In bits a byte. */
function entropyOf(frequencies: Uint32Array, total: number): number {
  let bits = 0
  for (const count of frequencies) if (count > 0) bits -= (count / total) * Math.log2(count / total)
  return bits
}
