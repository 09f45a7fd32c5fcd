import { createCipheriv, type Cipher } from 'node:crypto'
import { closeSync, lchownSync, mkdirSync, openSync, utimesSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export type DataSet = { readonly files: number; readonly bytes: number }

const kib = 1024
const mib = 1024 * kib
const bigBytes = 50 * mib
const poolBytes = 32 * mib
const filesPerFolder = 60
const zeros = Buffer.alloc(256 * kib)

/**
 * Writes `files` files of `totalBytes` together into `folder`, the same ones every time: a few of 50 MiB, one in a hundred of 1 to 8 MiB,
 * the others of 1 KiB and up. Half of the bytes are text, half are noise. Owners, modes and times vary.
 */
export function writeDataSet(folder: string, { files, totalBytes }: { readonly files: number; readonly totalBytes: number }): DataSet {
  const random = randomNumbers('sizes')
  const text = textPool()
  const noise = keystream('noise')
  let bytes = 0
  for (const [at, size] of sizesOf(files, totalBytes, random).entries()) {
    const inFolder = join(folder, `d${String(Math.floor(at / filesPerFolder / 16)).padStart(2, '0')}`, `e${String(Math.floor(at / filesPerFolder) % 16).padStart(2, '0')}`)
    if (at % filesPerFolder === 0) mkdirSync(inFolder, { recursive: true })
    const path = join(inFolder, `${at % 2 === 0 ? 'page' : 'image'}-${String(at).padStart(6, '0')}.${at % 2 === 0 ? 'html' : 'jpg'}`)
    const file = openSync(path, 'wx', at % 7 === 0 ? 0o600 : 0o644)
    for (let left = size; left > 0;) left -= writeSync(file, at % 2 === 0 ? passage(text, left, random) : noise.update(zeros.subarray(0, left)))
    closeSync(file)
    if (at % 3 === 0) lchownSync(path, 1000 + (at % 5), 1000)
    utimesSync(path, 1_700_000_000 + at * 61, 1_700_000_000 + at * 61 + 0.123456)
    bytes += size
  }
  return { files, bytes }
}

/** Small files by a skewed distribution, scaled so that everything together has the wanted size. */
function sizesOf(files: number, totalBytes: number, random: () => number): number[] {
  const big = Math.min(Math.floor(files / 100), Math.floor(totalBytes / 6 / bigBytes))
  const middle = Math.floor(files / 100)
  const weights = Array.from({ length: files - big - middle }, () => Math.exp(1.5 * normal(random)))
  const middleSizes = Array.from({ length: middle }, () => Math.floor(mib * (1 + 7 * random() ** 2)))
  const spent = middleSizes.reduce((sum, each) => sum + each, big * bigBytes)
  const share = Math.max(0, totalBytes - spent) / weights.reduce((sum, each) => sum + each, 0)
  const sizes = [...weights.map(weight => Math.max(kib, Math.floor(weight * share))), ...middleSizes, ...Array.from({ length: big }, () => bigBytes)]
  return shuffled(sizes, random)
}

/** A run of the pool from anywhere: what is alike lies too far apart for a compressor's window, and is cut out elsewhere. */
function passage(pool: Buffer, atMost: number, random: () => number): Buffer {
  const length = Math.min(atMost, Math.floor(2 * kib + random() * 30 * kib))
  const start = Math.floor(random() * (pool.length - length))
  return pool.subarray(start, start + length)
}

/** Words of an invented language, the frequent ones short and far more frequent, in lines. */
function textPool(): Buffer {
  const random = randomNumbers('words')
  const syllables = ['ba', 'ce', 'di', 'fo', 'gu', 'ha', 'le', 'mi', 'no', 'pu', 'ra', 'se', 'ti', 'vo', 'zu', 'en', 'an', 'st', 'or', 'el']
  const words = Array.from({ length: 20_000 }, (_, rank) => Buffer.from(Array.from({ length: 1 + Math.floor(Math.log2(2 + rank) / 3 + random() * 2) }, () => syllables[Math.floor(random() * syllables.length)]).join('') + (rank % 12 === 11 ? '\n' : ' ')))
  const pool = Buffer.alloc(poolBytes)
  for (let at = 0; at < pool.length;) at += words[Math.floor(words.length ** random()) - 1]!.copy(pool, at)
  return pool
}

/** Encrypted zeros. */
function keystream(seed: string): Cipher {
  return createCipheriv('aes-128-ctr', Buffer.from(seed.padEnd(16).slice(0, 16)), Buffer.alloc(16))
}

/** Numbers from 0 to 1 that are the same on every machine. */
function randomNumbers(seed: string): () => number {
  let state = keystream(seed).update(zeros.subarray(0, 4)).readUInt32LE(0)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function shuffled<T>(values: T[], random: () => number): T[] {
  for (let at = values.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[values[at], values[other]] = [values[other]!, values[at]!]
  }
  return values
}
