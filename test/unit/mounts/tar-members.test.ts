import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { DrayError } from '../../../src/errors/dray-error.ts'
import { prefixNames } from '../../../src/mounts/mount-prefix.ts'
import { editMembers, type MemberHeaders } from '../../../src/mounts/tar-members.ts'

const cut = () => new DrayError('io-failed', 'cut')
let directory: string

beforeAll(() => {
  directory = mkdtempSync(`${tmpdir()}/dray-members-`)
  const deep = Array.from({ length: 3 }, () => 'd'.repeat(60)).join('/')
  mkdirSync(`${directory}/${deep}`, { recursive: true })
  writeFileSync(`${directory}/${deep}/file`, 'deep')
  linkSync(`${directory}/${deep}/file`, `${directory}/${deep}/link`)
  writeFileSync(`${directory}/plain`, 'plain')
  writeFileSync(`${directory}/long-${'n'.repeat(200)}`, 'long')
  linkSync(`${directory}/long-${'n'.repeat(200)}`, `${directory}/long-${'m'.repeat(200)}`)
  linkSync(`${directory}/plain`, `${directory}/plain-link`)
  symlinkSync('./plain', `${directory}/symlink`)
  symlinkSync(`./${'t'.repeat(300)}`, `${directory}/long-symlink`)
  writeFileSync(`${directory}/ümläut\n`, '')
  writeFileSync(`${directory}/sparse`, 'x')
  truncateSync(`${directory}/sparse`, 20_000)
})

afterAll(() => rmSync(directory, { recursive: true }))

async function* inPieces(whole: Buffer, size: number) {
  for (let at = 0; at < whole.length; at += size) yield await Promise.resolve(Buffer.from(whole.subarray(at, at + size)))
}
async function edited(tar: Buffer, edit: (member: MemberHeaders) => boolean, size = 1000): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of editMembers(inPieces(tar, size), edit, cut)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
const tarWith = (...options: string[]) => execFileSync('tar', ['-C', directory, '--sort=name', ...options, '-cf', '-', '.'])
const list = (tar: Buffer) => execFileSync('tar', ['-tvf', '-', '--ignore-zeros', '--quoting-style=escape'], { input: tar }).toString()

describe.each([['pax', '--format=pax'], ['pax, sparse 0.0', '--format=pax', '--sparse', '--sparse-version=0.0'], ['pax, sparse 1.0', '--format=pax', '--sparse'], ['gnu', '--format=gnu'], ['ustar', '--format=ustar', '--exclude=long-*', '--exclude=link']] as const)('%s', (_, ...options) => {
  test('passes through unchanged in pieces of any size', async () => {
    const tar = tarWith(...options)
    for (const size of [1, 511, 512, 513, 10_000, tar.length]) expect((await edited(tar, () => true, size)).equals(tar)).toBe(true)
  })

  test('gets every name and hard link target prefixed, and no other', async () => {
    const tar = tarWith(...options)
    const prefixed = list(tar).replace(/( |link to )\.\//g, (_, before: string) => (before === ' ' ? ' v/' : `${before}v/`)).replace(/-> v\//g, '-> ./')
    expect(list(await edited(tar, prefixNames))).toBe(prefixed)
  })
})

test('a dropped member goes with its headers and data', async () => {
  const tar = await edited(tarWith('--format=pax'), ({ header }) => header[156] !== 0x35)
  expect(list(tar)).not.toMatch(/^d/m)
  expect(list(tar)).toContain('./plain')
})

test('a tar cut at any block is not taken for whole', async () => {
  const tar = execFileSync('tar', ['-C', directory, '-b', '1', '-cf', '-', './plain', './symlink'])
  expect((await edited(tar, () => true)).equals(tar)).toBe(true)
  for (let length = 0; length < tar.length; length += 256) await expect(edited(tar.subarray(0, length), () => true)).rejects.toThrow('cut')
})

test('a changed bit in a header is found', async () => {
  const tar = tarWith('--format=pax')
  tar[3]! ^= 1
  await expect(edited(tar, () => true)).rejects.toMatchObject({ code: 'damaged' })
})

test('names outside the mount are refused', async () => {
  const tar = execFileSync('tar', ['-C', directory, '-cf', '-', 'plain'])
  await expect(edited(tar, prefixNames)).rejects.toThrow('does not begin with "./"')
  const absolute = execFileSync('tar', ['-P', '-cf', '-', `${directory}/plain`])
  await expect(edited(absolute, prefixNames)).rejects.toThrow('does not begin with "./"')
})
