/** Writes fixtures/archives: each archive, and beside it what is found in it. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { checkImageArchive } from '../../src/integrity/check-image-file.ts'
import { archiveFixtures } from './archive-fixtures.ts'

export const fixturesFolder = new URL('../../../fixtures/archives/', import.meta.url)

export type FixtureFindings = { readonly about: string } & Awaited<ReturnType<typeof checkImageArchive>>

await rm(fixturesFolder, { recursive: true, force: true })
await mkdir(fixturesFolder, { recursive: true })
for (const { name, about, make } of archiveFixtures) {
  const bytes = make()
  const report = await checkImageArchive(Readable.from([bytes], { objectMode: false }), { signal: new AbortController().signal })
  await writeFile(new URL(`${name}.tar`, fixturesFolder), bytes)
  await writeFile(new URL(`${name}.json`, fixturesFolder), `${JSON.stringify({ about, ...report }, null, 2)}\n`)
}
