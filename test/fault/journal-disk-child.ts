// Journals until the disk is full, makes room, and goes on; says what happened as one line of JSON.
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DrayError } from '../../src/errors/dray-error.ts'
import { Journal } from '../../src/pipeline/journal.ts'

const [folder = ''] = process.argv.slice(2)
const engine = { address: 'unix:///x', facts: { id: 'E' } }
await writeFile(join(folder, 'ballast'), Buffer.alloc(40_000))
const journal = await Journal.start(folder, 'run-1', 'dray backup --all')
const recorded: number[] = []
const readEntries = async (): Promise<object[]> => (await readFile(join(folder, 'run-1.ndjson'), 'utf8')).trimEnd().split('\n').map(line => JSON.parse(line) as object)

async function untilFull(): Promise<DrayError> {
  try {
    for (;;) recorded.push((await journal.record(engine, { did: 'paused', container: 'c'.repeat(3000), name: 'web' })).id)
  } catch (thrown) {
    if (!(thrown instanceof DrayError)) throw thrown
    return thrown
  }
}

const failure = await untilFull()
const openWhenFull = journal.open().map(({ id }) => id)
const linesWhenFull = (await readEntries()).length
await rm(join(folder, 'ballast'))
const after = await journal.record(engine, { did: 'paused', container: 'after', name: 'db' })
const lastLine = (await readEntries()).at(-1)
process.stdout.write(JSON.stringify({
  code: failure.code, message: failure.message, asRecorded: JSON.stringify(openWhenFull) === JSON.stringify(recorded), lines: linesWhenFull - recorded.length,
  lastLineIsAfter: JSON.stringify(lastLine) === JSON.stringify({ entry: after }),
}))
