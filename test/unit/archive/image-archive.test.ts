import { describe, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { readImageArchive, readSmallMember } from '../../../src/archive/image-archive.ts'
import { writeImageArchive, type ImageArchiveMember } from '../../../src/archive/write-image-archive.ts'

const damaged: unknown = expect.objectContaining({ code: 'damaged' })
const layer = Buffer.alloc(300_000, 'layer')
const members: ImageArchiveMember[] = [
  { name: `blobs/sha256/${'a'.repeat(64)}`, size: layer.length, body: Readable.from([layer.subarray(0, 1000), layer.subarray(1000)]) },
  { name: 'other/layer.tar', linkTo: '../blobs/x' },
  { name: 'empty', size: 0, body: Buffer.alloc(0) },
  { name: 'manifest.json', size: 2, body: Buffer.from('[]') },
]
const again = (): ImageArchiveMember[] => members.map(member => ('body' in member && member.size === layer.length ? { ...member, body: layer } : member))

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function read(pieces: Buffer[], leave = 0): Promise<string[]> {
  const seen: string[] = []
  await readImageArchive(Readable.from(pieces), {
    async onMember(name, size, body) {
      if (leave > 0) {
        for await (const slice of body) if (slice.length > 0) break
        seen.push(`${name.slice(0, 13)} ${size}`)
      } else {
        seen.push(`${name.slice(0, 13)} ${size} ${(await readSmallMember(name, size, body)).subarray(0, 5).toString()}`)
      }
    },
    onLink: (name, linkTo, kind) => seen.push(`${name} -> ${linkTo} ${kind}`),
    onOther: entry => seen.push(`${entry.name.toString()} is ${entry.type}`),
  })
  return seen
}

const expected = ['blobs/sha256/ 300000 layer', 'other/layer.tar -> ../blobs/x symbolic', 'empty 0 ', 'manifest.json 2 []']

describe('an image archive', () => {
  test('comes back as it was written, however the bytes arrive, read or passed over', async () => {
    const tar = await collect(writeImageArchive(members))
    expect(await read([tar])).toEqual(expected)
    expect(await read(Array.from({ length: Math.ceil(tar.length / 777) }, (_, i) => tar.subarray(i * 777, (i + 1) * 777)))).toEqual(expected)
    expect(await read([tar], 1)).toEqual(expected.map(line => (line.includes('->') ? line : line.split(' ').slice(0, 2).join(' '))))
    expect((await collect(writeImageArchive(again()))).equals(tar)).toBe(true)
  })

  test('is a tar to GNU tar', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dray-image-'))
    try {
      execFileSync('tar', ['-x', '-C', folder], { input: await collect(writeImageArchive(again())) })
      expect(readFileSync(join(folder, 'blobs/sha256', 'a'.repeat(64))).equals(layer)).toBe(true)
      expect(readlinkSync(join(folder, 'other/layer.tar'))).toBe('../blobs/x')
    } finally {
      rmSync(folder, { recursive: true })
    }
    const huge = writeImageArchive([{ name: 'huge', size: 9_000_000_000, body: Buffer.alloc(512) }])
    const [header] = (await once(huge, 'data')) as [Buffer]
    huge.on('error', () => undefined).destroy()
    // tar lists the header and then complains that the data is missing
    const listed = execFileSync('sh', ['-c', 'tar -tv 2>/dev/null || :'], { input: header.subarray(0, 512) }).toString()
    expect(listed).toContain('9000000000')
  })

  test('a body without its size fails', async () => {
    for (const size of [1, 3]) await expect(collect(writeImageArchive([{ name: 'f', size, body: Buffer.from('ab') }]))).rejects.toThrow('"f" should have')
    await expect(collect(writeImageArchive([{ name: 'f'.repeat(101), size: 0, body: Buffer.alloc(0) }]))).rejects.toThrow('too long')
  })

  test('destroying the tar closes the body', async () => {
    const body = new Readable({ read: () => undefined })
    body.push(layer)
    const tar = writeImageArchive([{ name: 'f', size: layer.length * 2, body }])
    for (let bytes = 0; bytes < 512 + layer.length; ) bytes += ((await once(tar, 'data')) as [Buffer])[0].length
    tar.destroy()
    await Promise.all([once(body, 'close'), once(tar, 'close')])
  })

  test('cut at any entry boundary it is damaged', async () => {
    const tar = await collect(writeImageArchive(again()))
    for (let length = 0; length < tar.length; length += 512) await expect(read([tar.subarray(0, length)], 1)).rejects.toEqual(damaged)
  })

  test('the message an engine puts in place of the end is told', async () => {
    const tar = await collect(writeImageArchive(again()))
    const message = Buffer.from('{"errorDetail":{"message":"could not verify layer data"}}\r\n')
    await expect(read([tar.subarray(0, -1024), message])).rejects.toThrow('could not verify layer data')
  })

  test('a member too large for memory, an error in the reader and an abort end it', async () => {
    const tar = await collect(writeImageArchive(again()))
    await expect(readSmallMember('f', 9 << 20, Readable.from([]))).rejects.toEqual(damaged)
    await expect(readImageArchive(Readable.from([tar]), { onMember: () => { throw new Error('no room') } })).rejects.toThrow('no room')
    const abort = new AbortController()
    const stalled = new Readable({ read: () => undefined })
    stalled.push(tar.subarray(0, 5000))
    const reading = readImageArchive(stalled, { onMember: () => abort.abort(), signal: abort.signal })
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
    expect(stalled.destroyed).toBe(true)
  })
})
