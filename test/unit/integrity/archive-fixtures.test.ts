import '../../one-realm.ts'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Readable } from 'node:stream'
import { execFileSync } from 'node:child_process'
import { expect, test } from '@jest/globals'
import { checkImageArchive, checkImageDirectory, checkImageFile } from '../../../src/integrity/check-image-file.ts'
import { archiveFixtures } from '../../images/archive-fixtures.ts'
import { badInput, rules, verdicts } from './save-format.ts'

const folder = fileURLToPath(new URL('../../../../fixtures/archives/', import.meta.url))
const tests = fileURLToPath(new URL('../../../../test/', import.meta.url))
const watching = { signal: new AbortController().signal }
const expected = (name: string): unknown => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))

test('fixtures/archives has what its script makes, byte for byte, and nothing else', () => {
  expect(readdirSync(folder).sort()).toEqual(archiveFixtures.flatMap(({ name }) => [`${name}.json`, `${name}.tar`]).sort())
  const differing = archiveFixtures.filter(({ name, make }) => !make().equals(readFileSync(join(folder, `${name}.tar`))))
  expect(differing.map(({ name }) => name)).toEqual([])
})

test.each(archiveFixtures)('$name: $about', async ({ name, about }) => {
  const file = join(folder, `${name}.tar`)
  const bytes = readFileSync(file)
  const pieces = Array.from({ length: Math.ceil(bytes.length / 333) }, (_, i) => Buffer.from(bytes.subarray(i * 333, (i + 1) * 333)))
  expect({ about, ...(await checkImageFile(file, watching)) }).toEqual(expected(name))
  expect({ about, ...(await checkImageArchive(Readable.from(pieces, { objectMode: false }), watching)) }).toEqual(expected(name))
})

test.each(['oci-layout', 'containerd-store', 'docker-28', 'docker-24-twice', 'buildx-attestation', 'blob-layer-missing', 'layers-left-out', 'layer-bit', 'foreign-layer'])('the directory that %s unpacks to gets the same verdict', async name => {
  const directory = await mkdtemp(join(tmpdir(), 'drayage-layout-'))
  try {
    execFileSync('tar', ['-xf', join(folder, `${name}.tar`), '-C', directory])
    const { verdict, images, findings } = await checkImageDirectory(directory, watching)
    const file = expected(name) as { findings: { severity: string }[] }
    expect({ verdict, images, findings: findings.filter(each => each.severity !== 'note') }).toEqual({ ...pick(file), findings: file.findings.filter(each => each.severity !== 'note') })
  } finally {
    await rm(directory, { recursive: true })
  }
})

function pick(report: object): object {
  const { verdict, images } = report as { verdict: unknown; images: unknown }
  return { verdict, images }
}

const statements = { ...verdicts, ...rules, ...badInput }

test('every rule is there, and every fixture shows something', () => {
  const numbers = new Set(Object.keys(rules).map(rule => Number.parseInt(rule)))
  expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, at) => at + 1))
  const shown = new Set(Object.values(statements).flat())
  expect(archiveFixtures.map(({ name }) => name).filter(name => !shown.has(name))).toEqual([])
})

test.each(Object.entries(statements))('shown: %s', (_, shown) => {
  expect(shown.length).toBeGreaterThan(0)
  const names = new Set(archiveFixtures.map(({ name }) => name))
  for (const each of shown) {
    const [, file, title] = /^(.*\.ts): (.*)$/.exec(each) ?? []
    if (file === undefined || title === undefined) expect(names).toContain(each)
    else expect(readFileSync(join(tests, file), 'utf8')).toContain(title)
  }
})
