// Adds backups to a repository until it has added `count` or is killed. A line goes to stdout at every moment that a kill may hit.
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { addBackup } from '../../src/store/backup-graph.ts'
import { ChunkStore } from '../../src/store/chunk-store.ts'
import { ContentWriter } from '../../src/store/content-writer.ts'
import { openRepository } from '../../src/store/repository.ts'
import { TocWriter } from '../../src/store/toc.ts'

const [path = '', name = '', count = '0'] = process.argv.slice(2)
const say = (line: string) => writeSync(1, `${line}\n`)

function bytesFor(seed: string, length: number): Buffer {
  return Buffer.concat(Array.from({ length: length / 32 }, (_, i) => createHash('sha256').update(`${seed} ${i}`).digest()))
}

const repository = await openRepository(path, { create: false })
for (let n = 0; n < Number(count); n++) {
  await using lock = await repository.lock('shared', { command: `backup ${name}`, waitMs: 60_000 })
  const store = new ChunkStore(repository)
  const writer = new ContentWriter(store, repository.config.chunker)
  for (let part = 0; part < 8; part++) {
    await writer.write(bytesFor(`${name} ${n} ${part % 4}`, 32_768))
    say(`wrote ${part}`)
  }
  const chunks = await writer.finish()
  const toc = await new TocWriter(store).finish()
  await store.flush()
  say('flushed')
  const id = `${name}-${n}`
  await addBackup(repository, { id, created: new Date().toISOString(), host: 'h', engine: 'e', run: 'r', tags: [], images: [], containers: [{ name, spec: { n } }], mounts: [{ description: { id: 'm' }, content: { chunks, toc } }] }, lock)
  say(`added ${id}`)
}
await repository.close()
