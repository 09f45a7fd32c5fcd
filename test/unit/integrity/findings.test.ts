import '../../one-realm.ts'
import { expect, test } from '@jest/globals'
import { BlobMembers } from '../../../src/integrity/blob-members.ts'
import { Findings } from '../../../src/integrity/finding.ts'
import type { PassedFile } from '../../../src/integrity/member.ts'
import { blobPath, savedFiles, tarOf, type Files } from '../../images/example-image.ts'
import { check, sha256 } from './image-files.ts'

test('a thousand notes do not hide what is wrong, and all are counted', async () => {
  const files: Files = savedFiles()
  for (let i = 0; i < 1500; i++) files.set(blobPath(Buffer.from(`content ${i}`)), Buffer.from(`content ${i}`))
  for (let i = 0; i < 1200; i++) files.set(blobPath(Buffer.from(`named ${i}`)), Buffer.from(`other ${i}`))
  const { verdict, findings, more } = await check(tarOf(files))
  expect({ verdict, listed: findings.length, more }).toEqual({ verdict: 'damaged', listed: 2000, more: { 'not-referenced': 1700, 'digest-mismatch': 200 } })
})

test('a finding for both views is one, also when it is not listed', () => {
  const findings = new Findings()
  for (const view of ['manifest.json', 'index.json'] as const) for (let i = 0; i < 1500; i++) findings.add('member-missing', { member: `${i}`, view })
  expect([findings.list.length, findings.count('error'), findings.more]).toEqual([1000, 1500, { 'member-missing': 500 }])
})

test('a blob is what it was before it was packed, and replaced by the next of its name', () => {
  const hex = (text: string): string => sha256(Buffer.from(text))
  const path = `blobs/sha256/${hex('a')}`
  const data = { kind: 'data', compression: 'none', isTar: false, plainBytes: 12 } as const
  const cases: PassedFile[] = [
    { kind: 'file', name: path, size: 12, digest: `sha256:${hex('a')}`, content: { ...data, plainDigest: `sha256:${hex('a')}`, isTar: true } },
    { kind: 'file', name: path, size: 5, digest: `sha256:${hex('a')}`, content: { ...data, compression: 'zstd', plainDigest: `sha256:${hex('b')}`, plainBytes: 2 ** 40 } },
    { kind: 'file', name: path, size: 2 ** 41, digest: `sha256:${hex('c')}`, content: { ...data, plainDigest: `sha256:${hex('c')}`, problem: { code: 'layer-end', words: 'odd' } } },
    { kind: 'file', name: path, size: 12, digest: `sha256:${hex('c')}`, content: { ...data, compression: 'gzip', plainDigest: `sha256:${hex('d')}` } },
    { kind: 'file', name: path, size: 12, digest: `sha256:${hex('c')}`, content: { ...data, compression: 'xz', plainDigest: undefined, problem: { code: 'memory-excessive', words: 'much' } } },
    { kind: 'file', name: path, size: 12, digest: `sha256:${hex('a')}`, content: { kind: 'too large' } },
    { kind: 'file', name: path, size: 12, digest: `sha256:${hex('a')}`, content: { kind: 'put aside', position: 2 ** 40 + 1 } },
  ]
  const blobs = new BlobMembers()
  for (const member of [...cases, ...cases]) {
    expect(blobs.set(path, member)).toBe(true)
    expect([blobs.get(path), [...blobs.names()], blobs.size]).toEqual([member, [path], 1])
  }
  blobs.delete(path)
  expect([blobs.get(path), [...blobs.names()], blobs.size]).toEqual([undefined, [], 0])
  expect(blobs.set('blobs/sha256/short', cases[0]!)).toBe(false)
})
