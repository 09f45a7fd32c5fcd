import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { blobPath, descriptorOf, entriesOf, json, layers, layoutFiles, savedFiles, tarOf, types, type Files } from '../images/example-image.ts'
import { rawEntry } from '../images/raw-tar.ts'
import { manyProcessors } from './many-processors.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
const mostBytes = 150e6
const mostSeconds = 20
const mib = 1024 * 1024

type Ended = { readonly exitCode: number | null; readonly peakBytes: number; readonly seconds: number; readonly codes: readonly string[]; readonly verdict: string }

/** The kernel's own high-water mark, which stays when memory is given back. */
export async function verify(folder: string, content: Buffer | Iterable<Buffer>, way: 'file' | 'stdin' = 'file'): Promise<Ended> {
  const file = join(folder, 'input')
  await writeFile(file, Buffer.isBuffer(content) ? [content] : content)
  const startedAt = performance.now()
  const empty = join(folder, 'empty')
  await using input = await open(file)
  const child = spawn(process.execPath, [...(way === 'file' ? manyProcessors : []), dray, 'verify', way === 'file' ? file : '-', '--json'], { cwd: empty, env: { PATH: process.env['PATH'], HOME: empty, TMPDIR: empty }, stdio: [input.fd, 'pipe', 'ignore'] })
  let said = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (said += text))
  let peakBytes = 0
  const watch = setInterval(() => (peakBytes = Math.max(peakBytes, peakOf(child.pid))), 5)
  const [exitCode] = (await once(child, 'close')) as [number | null]
  clearInterval(watch)
  const result = JSON.parse(said.trim().split('\n').at(-1) ?? '') as { verdict: string; findings: { code: string; severity: string }[] }
  const codes = [...new Set(result.findings.filter(({ severity }) => severity === 'error').map(({ code }) => code))]
  return { exitCode, peakBytes, seconds: (performance.now() - startedAt) / 1000, verdict: result.verdict, codes }
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'latin1'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

export const repeat = (bytes: Buffer, times: number): Buffer => Buffer.concat(Array.from({ length: times }, () => bytes))
/** Five gigabytes of zeros in five megabytes. */
export const gzipBomb = (): Buffer => repeat(gzipSync(Buffer.alloc(64 * mib), { level: 9 }), 80)
/** Ten in 320 kB: blocks that say one byte many times. */
export function zstdBomb(): Buffer {
  const block = Buffer.alloc(4)
  block.writeUIntLE(((128 * 1024) << 3) | 2, 0, 3)
  const blocks = repeat(block, 80_000)
  blocks[blocks.length - 4]! |= 1
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3]), blocks])
}
export const packedZeros = (program: string, times: number): Buffer => repeat(execFileSync(program, ['-1', '-c'], { input: Buffer.alloc(64 * mib), maxBuffer: mib }), times)
/** xz that says that it needs a dictionary of three gigabytes. */
export function xzOfMuchMemory(): Buffer {
  const bytes = Buffer.from(execFileSync('xz', ['-c'], { input: tarOf(savedFiles()) }))
  const length = (bytes[12]! + 1) * 4
  const dictionary = bytes.indexOf(Buffer.from([0x21, 0x01]), 12) + 2
  bytes[dictionary] = 39
  bytes.writeUInt32LE(crc32(bytes.subarray(12, 12 + length - 4)), 12 + length - 4)
  return bytes
}
export const withLayer = (stored: Buffer, layerType = types.layer): Buffer => tarOf(savedFiles({ stored: [stored, layers[1]], layerType }))
export const withFile = (name: string, content: Buffer): Buffer => tarOf(new Map([...savedFiles(), [name, content]]))
export const deep = (): Buffer => Buffer.from(`{"layers":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`)
export const wide = (): Buffer => Buffer.from(`{"layers":[${'[],'.repeat(1_300_000)}[]]}`)
export const manyMembers = (count: number): Buffer[] => {
  const name = 'n'.repeat(80)
  return [...entriesOf(savedFiles()).map(rawEntry), ...Array.from({ length: count }, (_, i) => rawEntry({ name: `${name}${i}` })), Buffer.alloc(1024)]
}
/** Blobs by their digests, or by other ones. */
export function* manyBlobs(count: number, isGood = true): Generator<Buffer> {
  yield* entriesOf(savedFiles()).map(rawEntry)
  for (let i = 0; i < count; i += 1000) {
    yield Buffer.concat(Array.from({ length: Math.min(1000, count - i) }, (_, at) => {
      const data = Buffer.from(String(i + at).padStart(20, '0'))
      return rawEntry({ name: blobPath(isGood ? data : Buffer.from(`other ${i + at}`)), data })
    }))
  }
  yield Buffer.alloc(1024)
}
/** Six indexes, each of which names the next one thousands of times. */
export function manyWays(): Buffer {
  const files = layoutFiles()
  let next = descriptorOf(types.manifest, manifestOf(files))
  for (let at = 0; at < 6; at++) {
    const index = json({ schemaVersion: 2, mediaType: types.index, manifests: Array.from({ length: 4000 }, () => next) })
    files.set(blobPath(index), index)
    next = descriptorOf(types.index, index)
  }
  return tarOf(files.set('index.json', json({ schemaVersion: 2, manifests: [next] })))
}
const manifestOf = (files: Files): Buffer => [...files.values()].find((each): each is Buffer => Buffer.isBuffer(each) && each.includes('"layers":['))!
export const longNames = (): Buffer[] => [...entriesOf(savedFiles()).map(rawEntry), ...Array.from({ length: 150 }, (_, i) => Buffer.concat([rawEntry({ name: '././@LongLink', type: 'L', data: Buffer.alloc(mib, 'n') }), rawEntry({ name: `m${i}` })])), Buffer.alloc(1024)]
export const documents = (): Buffer[] => [...Array.from({ length: 20 }, (_, i) => rawEntry({ name: `d${i}`, data: Buffer.from(`{"layers":[],"x":"${String(i).repeat(3_900_000).slice(0, 3_900_000)}"}`) })), ...entriesOf(savedFiles()).map(rawEntry), Buffer.alloc(1024)]

/** A folder for the tests of one file, with another in it that stays empty. */
export function makeFolder(): () => string {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drayage-hostile-'))
    await mkdir(join(folder, 'empty'))
  })
  afterAll(async () => {
    await rm(folder, { recursive: true })
  })
  return () => folder
}

export type HostileCase = [what: string, verdict: string, code: string, make: () => Buffer | Iterable<Buffer>]

/** Each is answered in seconds, in less than 150 MB. */
export function testHostile(folder: () => string, cases: readonly HostileCase[]): void {
  test.each(cases)('%s: %s %s, in seconds and little memory', async (_, verdict, code, make) => {
    for (const way of code === 'layer-expands' ? (['file'] as const) : (['file', 'stdin'] as const)) {
      const ended = await verify(folder(), make(), way)
      expect({ way, verdict: ended.verdict, codes: code === '' ? ended.codes : ended.codes.filter(each => each === code) }).toEqual({ way, verdict, codes: code === '' ? [] : [code] })
      expect(ended.peakBytes).toBeGreaterThan(20e6)
      expect(ended.peakBytes).toBeLessThan(mostBytes)
      expect(ended.seconds).toBeLessThan(mostSeconds)
    }
  }, 60_000)
}
