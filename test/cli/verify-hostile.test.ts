import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { blobPath, descriptorOf, entriesOf, json, layers, layoutFiles, savedFiles, tarOf, types, type Files } from '../images/example-image.ts'
import { rawEntry, zstdRaw } from '../images/raw-tar.ts'
import { manyProcessors } from './many-processors.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
const mostBytes = 150e6
const mostSeconds = 20
const mib = 1024 * 1024

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drayage-hostile-'))
  await mkdir(join(folder, 'empty'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

type Ended = { readonly exitCode: number | null; readonly peakBytes: number; readonly seconds: number; readonly codes: readonly string[]; readonly verdict: string }

/** The kernel's own high-water mark, which stays when memory is given back. */
async function verify(content: Buffer | readonly Buffer[], way: 'file' | 'stdin' = 'file'): Promise<Ended> {
  const file = join(folder, 'input')
  await writeFile(file, content)
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

const repeat = (bytes: Buffer, times: number): Buffer => Buffer.concat(Array.from({ length: times }, () => bytes))
/** Five gigabytes of zeros in five megabytes. */
const gzipBomb = (): Buffer => repeat(gzipSync(Buffer.alloc(64 * mib), { level: 9 }), 80)
/** Ten in 320 kB: blocks that say one byte many times. */
function zstdBomb(): Buffer {
  const block = Buffer.alloc(4)
  block.writeUIntLE(((128 * 1024) << 3) | 2, 0, 3)
  const blocks = repeat(block, 80_000)
  blocks[blocks.length - 4]! |= 1
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3]), blocks])
}
const packedZeros = (program: string, times: number): Buffer => repeat(execFileSync(program, ['-1', '-c'], { input: Buffer.alloc(64 * mib), maxBuffer: mib }), times)
/** xz that says that it needs a dictionary of three gigabytes. */
function xzOfMuchMemory(): Buffer {
  const bytes = Buffer.from(execFileSync('xz', ['-c'], { input: tarOf(savedFiles()) }))
  const length = (bytes[12]! + 1) * 4
  const dictionary = bytes.indexOf(Buffer.from([0x21, 0x01]), 12) + 2
  bytes[dictionary] = 39
  bytes.writeUInt32LE(crc32(bytes.subarray(12, 12 + length - 4)), 12 + length - 4)
  return bytes
}
const withLayer = (stored: Buffer, layerType = types.layer): Buffer => tarOf(savedFiles({ stored: [stored, layers[1]], layerType }))
const withFile = (name: string, content: Buffer): Buffer => tarOf(new Map([...savedFiles(), [name, content]]))
const deep = (): Buffer => Buffer.from(`{"layers":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`)
const wide = (): Buffer => Buffer.from(`{"layers":[${'[],'.repeat(1_300_000)}[]]}`)
const manyMembers = (count: number): Buffer[] => {
  const name = 'n'.repeat(80)
  return [...entriesOf(savedFiles()).map(rawEntry), ...Array.from({ length: count }, (_, i) => rawEntry({ name: `${name}${i}` })), Buffer.alloc(1024)]
}
/** Six indexes, each of which names the next one thousands of times. */
function manyWays(): Buffer {
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
const longNames = (): Buffer[] => [...entriesOf(savedFiles()).map(rawEntry), ...Array.from({ length: 150 }, (_, i) => Buffer.concat([rawEntry({ name: '././@LongLink', type: 'L', data: Buffer.alloc(mib, 'n') }), rawEntry({ name: `m${i}` })])), Buffer.alloc(1024)]
const documents = (): Buffer[] => [...Array.from({ length: 20 }, (_, i) => rawEntry({ name: `d${i}`, data: Buffer.from(`{"layers":[],"x":"${String(i).repeat(3_900_000).slice(0, 3_900_000)}"}`) })), ...entriesOf(savedFiles()).map(rawEntry), Buffer.alloc(1024)]

test.each<[string, string, string, () => Buffer | readonly Buffer[]]>([
  ['a gzip bomb as a layer', 'unverifiable', 'layer-expands', () => withLayer(gzipBomb(), `${types.layer}+gzip`)],
  ['a zstd bomb as a layer', 'unverifiable', 'layer-expands', () => withLayer(zstdBomb(), `${types.layer}+zstd`)],
  ['an xz bomb as a layer', 'damaged', 'layer-expands', () => withLayer(packedZeros('xz', 40))],
  ['a bzip2 bomb as a layer', 'damaged', 'layer-expands', () => withLayer(packedZeros('bzip2', 40))],
  ['a zstd layer that asks for two gigabytes of memory', 'unverifiable', 'memory-excessive', () => withLayer(zstdRaw(layers[0], { windowLog: 31 }), `${types.layer}+zstd`)],
  ['a gzip bomb around it', 'unverifiable', 'archive-expands', gzipBomb],
  ['a zstd bomb around it', 'unverifiable', 'archive-expands', zstdBomb],
  ['xz around it that asks for three gigabytes of memory', 'unverifiable', 'memory-excessive', xzOfMuchMemory],
  ['100 MB of white space as manifest.json', 'damaged', 'document-too-large', () => withFile('manifest.json', Buffer.alloc(100e6, ' '))],
  ['a config a million levels deep', 'damaged', 'document-too-large', () => tarOf(savedFiles({ config: deep() }))],
  ['manifest.json with a million values', 'damaged', 'document-too-large', () => withFile('manifest.json', wide())],
  ['sixty thousand members', 'damaged', 'too-many-members', () => manyMembers(60_000)],
  ['forty-five thousand members', 'valid', '', () => manyMembers(45_000)],
  ['indexes that lead thousands of ways to one another', 'valid', '', manyWays],
  ['names of a megabyte', 'damaged', 'archive-malformed', longNames],
  ['eighty megabytes of documents', 'valid', '', documents],
])('%s: %s %s, in seconds and little memory', async (_, verdict, code, make) => {
  const content = make()
  for (const way of code === 'layer-expands' ? (['file'] as const) : (['file', 'stdin'] as const)) {
    const ended = await verify(content, way)
    expect({ way, verdict: ended.verdict, codes: code === '' ? ended.codes : ended.codes.filter(each => each === code) }).toEqual({ way, verdict, codes: code === '' ? [] : [code] })
    expect(ended.peakBytes).toBeGreaterThan(20e6)
    expect(ended.peakBytes).toBeLessThan(mostBytes)
    expect(ended.seconds).toBeLessThan(mostSeconds)
  }
}, 60_000)

test('nothing is written anywhere', async () => {
  for (const name of ['name-out', 'layer-link-out', 'manifest-link-out', 'name-with-newline']) await verify(readFileSync(fileURLToPath(new URL(`../../../fixtures/archives/${name}.tar`, import.meta.url))))
  expect(readdirSync(join(folder, 'empty'))).toEqual([])
})
