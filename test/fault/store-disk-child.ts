// Stores noise until the disk is full (`fill`), or reads what it can (`read`); says what happened as one line of JSON.
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { DrayError } from '../../src/errors/dray-error.ts'
import { listBackups } from '../../src/store/backup-list.ts'
import { ChunkStore } from '../../src/store/chunk-store.ts'
import { openRepository } from '../../src/store/repository.ts'

const [path = '', mode] = process.argv.slice(2)

async function fill(): Promise<object> {
  const repository = await openRepository(path, { create: true })
  try {
    const store = new ChunkStore(repository)
    for (;;) await store.store(randomBytes(100_000))
  } catch (thrown) {
    if (!(thrown instanceof DrayError)) throw thrown
    await repository.close()
    return { code: thrown.code, message: thrown.message, hints: thrown.hints, left: await readdir(repository.paths.temporary), backups: await listBackups(repository) }
  }
}

async function read(): Promise<object> {
  await using repository = await openRepository(path, { create: false })
  await using shared = await repository.lock('shared', { command: 'restore' })
  const exclusive = await repository.lock('exclusive', { command: 'prune', waitMs: 0 }).catch((thrown: unknown) => thrown as DrayError)
  const put = await repository.blobs.put(randomBytes(10), 'a/b').catch((thrown: unknown) => thrown as DrayError)
  return { held: await shared.isHeld(), backups: (await listBackups(repository)).length, exclusive: 'code' in exclusive && exclusive.code, put: 'code' in put && put.code }
}

process.stdout.write(JSON.stringify(await (mode === 'fill' ? fill() : read())))
