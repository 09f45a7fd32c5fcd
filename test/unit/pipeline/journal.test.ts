import '../../one-realm.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { thisProcess, type Owner } from '../../../src/files/owner.ts'
import { Journal, type StoredJournal } from '../../../src/pipeline/journal.ts'
import { readJournals } from '../../../src/pipeline/read-journals.ts'

const engine = { address: 'ssh://old', facts: { id: 'ENGINE' } }
const child = fileURLToPath(new URL('journal-child.js', import.meta.url))
let folder: string

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'dray-journal-')), 'state', 'journal')
})

afterEach(async () => {
  await rm(join(folder, '../..'), { recursive: true })
})

const linesOf = async (run: string): Promise<object[]> => (await readFile(join(folder, `${run}.ndjson`), 'utf8')).trimEnd().split('\n').map(line => JSON.parse(line) as object)

/** A run that journals a volume (settled) and a pause, and is killed. */
async function killedRun(run: string): Promise<void> {
  const running = spawn(process.execPath, [child, folder, run], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(running.stdout, 'data')
  running.kill('SIGKILL')
  await once(running, 'close')
}

async function writeJournal(run: string, owner: Partial<Owner>, ...lines: readonly object[]): Promise<void> {
  const head = { owner: { ...thisProcess(), ...owner }, run, command: `dray ${run}`, since: '2026-01-01T00:00:00.000Z' }
  await writeFile(join(folder, `${run}.ndjson`), [head, ...lines].map(line => `${JSON.stringify(line)}\n`).join(''))
}

const dead = { startTime: '1', pid: process.pid }
const paused = (id: number) => ({ entry: { id, did: 'paused', container: `c${id}`, name: `web${id}`, engine: 'unix:///x', engineId: 'E', at: '2026-01-01T00:00:00.000Z' } })

describe('a run\'s journal', () => {
  test('begins with its owner; an entry is in the file when record() resolves; settled things are closed; close() removes the file', async () => {
    const journal = await Journal.start(folder, 'run-1', 'dray backup web')
    expect(await linesOf('run-1')).toMatchObject([{ owner: thisProcess(), run: 'run-1', command: 'dray backup web' }])
    const pause = await journal.record(engine, { did: 'paused', container: 'c0ffee', name: 'web' })
    expect((await linesOf('run-1'))[1]).toMatchObject({ entry: { id: 1, did: 'paused', container: 'c0ffee', engine: 'ssh://old', engineId: 'ENGINE' } })
    const position = journal.position
    const tag = await journal.record(engine, { did: 'created tag', ref: 'web:tmp' })
    expect(journal.open()).toEqual([pause, tag])
    expect(journal.open(position)).toEqual([tag])
    await journal.settle(pause, tag)
    expect((await linesOf('run-1')).slice(3)).toEqual([{ settled: [1, 2] }])
    expect(journal.open()).toEqual([])
    expect(await journal.close()).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })

  test('has parts, for works that go on beside each other: each sees its own, the whole sees all, one file has them', async () => {
    const journal = await Journal.start(folder, 'run-1', 'dray backup --all')
    const [one, other] = [journal.part(), journal.part()]
    const [web, db] = await Promise.all([one.record(engine, { did: 'paused', container: 'a', name: 'web' }), other.record(engine, { did: 'paused', container: 'b', name: 'db' })])
    expect([one.open(), other.open(), journal.open()]).toEqual([[web], [db], [web, db]])
    expect(web.id).not.toBe(db.id)
    await one.settle(web)
    expect([one.open(), other.open(), journal.open()]).toEqual([[], [db], [db]])
    const [next] = await other.exchange([db], engine, [{ did: 'created tag', ref: 'tmp' }])
    expect([one.open(), other.open(), journal.open()]).toEqual([[], [next], [next]])
    expect(await journal.close()).toEqual([next])
    expect(await readdir(folder)).toEqual(['run-1.ndjson'])
  })

  test('exchange settles and records in one line, which a reader understands', async () => {
    const journal = await Journal.start(folder, 'run-1', 'dray restore')
    const made = await journal.record(engine, { did: 'created volume', volume: 'data' })
    const kept = await journal.record(engine, { did: 'created tag', ref: 'web:tmp' })
    const [added] = await journal.exchange([made], engine, [{ did: 'superseded container', container: 'c0ffee', name: 'web-old' }])
    expect((await linesOf('run-1')).slice(3)).toEqual([{ settled: [1], entries: [added] }])
    expect(journal.open()).toEqual([kept, added])
    await journal.leave()
    const [found] = (await readJournals(folder)).others
    expect(found).toMatchObject({ damagedLines: 0, open: [kept, added] })
  })

  test('stays when something is open', async () => {
    const journal = await Journal.start(folder, 'run-1', 'dray backup web')
    const pause = await journal.record(engine, { did: 'paused', container: 'c0ffee', name: 'web' })
    expect(await journal.close()).toEqual([pause])
    expect(await readdir(folder)).toEqual(['run-1.ndjson'])
  })

  test('settling twice, or what is not open, writes nothing', async () => {
    const journal = await Journal.start(folder, 'run-1', 'dray backup web')
    const pause = await journal.record(engine, { did: 'paused', container: 'c0ffee', name: 'web' })
    await journal.settle(pause)
    await journal.settle(pause)
    await journal.settle()
    expect(await linesOf('run-1')).toHaveLength(3)
    await journal.close()
  })

  test('entries recorded at the same time are whole lines, each with its own id', async () => {
    const journal = await Journal.start(folder, 'run-1', 'dray backup --all')
    await Promise.all(Array.from({ length: 40 }, (_, at) => journal.record(engine, { did: 'paused', container: `c${at}`, name: 'x'.repeat(at * 100) })))
    const lines = await linesOf('run-1') as { entry?: { id: number } }[]
    expect(lines.slice(1).map(({ entry }) => entry?.id)).toEqual(Array.from({ length: 40 }, (_, at) => at + 1))
    await journal.close()
  })

  test('is private: folder 0700, file 0600', async () => {
    const journal = await Journal.start(folder, 'run-1', 'dray backup web')
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(join(folder, 'run-1.ndjson'))).mode & 0o777).toBe(0o600)
    await journal.close()
  })

  test('of a second run with the same id is a conflict, and the first goes on', async () => {
    const journal = await Journal.start(folder, 'run-1', 'dray backup web')
    await expect(Journal.start(folder, 'run-1', 'dray backup db')).rejects.toMatchObject({ code: 'conflict' })
    await journal.record(engine, { did: 'paused', container: 'c', name: 'web' })
    expect(await linesOf('run-1')).toHaveLength(2)
    expect(await readdir(folder)).toEqual(['run-1.ndjson'])
  })

  test('in a folder that cannot be made is an error that names it', async () => {
    await writeFile(join(folder, '../..', 'file'), '')
    await expect(Journal.start(join(folder, '../..', 'file', 'journal'), 'run-1', 'x')).rejects.toMatchObject({ code: 'not-found', message: expect.stringMatching(/write the journal ".*run-1.ndjson": a part of the path is not a directory/) })
  })
})

describe('reading the journals', () => {
  test('of a folder that is not there: none', async () => {
    expect(await readJournals(folder)).toEqual({ dead: [], others: [], unreadable: [] })
  })

  test('of something that is no folder is an error that names it', async () => {
    await Journal.start(folder, 'run-1', 'x')
    await expect(readJournals(join(folder, 'run-1.ndjson'))).rejects.toMatchObject({ message: `read the journals in "${join(folder, 'run-1.ndjson')}": a part of the path is not a directory` })
  })

  test('a run killed with -9 is dead and has its open entries; one that lives is not touched', async () => {
    await killedRun('run-1')
    const own = await Journal.start(folder, 'run-2', 'dray backup db')
    await own.record(engine, { did: 'paused', container: 'c', name: 'db' })
    const { dead, others, unreadable } = await readJournals(folder)
    expect(dead).toMatchObject([{ run: 'run-1', command: 'dray backup run-1', damagedLines: 0, open: [{ id: 2, did: 'paused', name: 'web', engineId: 'ENGINE' }] }])
    expect(others.map(({ run }) => run)).toEqual(['run-2'])
    expect(unreadable).toEqual([])
    await own.close()
  }, 20_000)

  test('the owner of another host, machine or pid namespace is not proved dead; one of an earlier boot is', async () => {
    await Journal.start(folder, 'here', 'x')
    await writeJournal('host', { ...dead, host: 'elsewhere' })
    await writeJournal('machine', { ...dead, machine: '0123456789abcdef' })
    await writeJournal('container', { ...dead, pidNamespace: '4026539999' })
    await writeJournal('boot', { bootId: '00000000-0000-0000-0000-000000000000', machine: thisProcess().machine })
    await writeJournal('reused', dead)
    const { dead: found, others } = await readJournals(folder)
    expect(others.map(({ run }) => run).sort()).toEqual(['container', 'here', 'host', 'machine'])
    expect(found.map(({ run }) => run)).toEqual(thisProcess().machine === '' ? ['reused'] : ['boot', 'reused'])
  })

  test('cut at any byte of its last line, the journal is read without that line', async () => {
    await Journal.start(folder, 'own', 'x')
    await writeJournal('run-1', dead, paused(1), paused(2), { settled: [1] })
    const path = join(folder, 'run-1.ndjson')
    const whole = await readFile(path)
    const lastLine = whole.lastIndexOf('\n', whole.length - 2) + 1
    for (let length = lastLine; length < whole.length; length++) {
      await writeFile(path, whole.subarray(0, length))
      expect((await readJournals(folder)).dead).toMatchObject([{ open: [{ id: 1 }, { id: 2 }], damagedLines: 0 }])
    }
    await writeFile(path, whole)
    expect((await readJournals(folder)).dead).toMatchObject([{ open: [{ id: 2 }] }])
  })

  test.each([
    ['noise', Buffer.from([0xff, 0x00, 0x7b, 0x22])], ['no object', '17'], ['null', 'null'], ['an entry without an engine', '{"entry":{"id":9,"did":"paused"}}'], ['an unknown line', '{"x":1}'],
  ])('a line in the middle that cannot be read (%s) is left out and counted', async (_what, damage) => {
    await Journal.start(folder, 'own', 'x')
    await writeJournal('run-1', dead, paused(1), paused(2))
    const path = join(folder, 'run-1.ndjson')
    const [head = '', first = '', second = ''] = (await readFile(path, 'utf8')).split('\n')
    await writeFile(path, Buffer.concat([Buffer.from(`${head}\n${first}\n`), Buffer.from(damage), Buffer.from(`\n${second}\n`)]))
    expect((await readJournals(folder)).dead).toMatchObject([{ open: [{ id: 1 }, { id: 2 }], damagedLines: 1 }])
  })

  test.each([['empty', ''], ['cut in its first line', '{"owner":{"host"'], ['without an owner', '{"settled":[1]}\n'], ['with half an owner', '{"owner":{"pid":1},"run":"a","command":"b","since":"c"}\n']])('a file that is %s is nobody\'s: named, no error', async (_what, text) => {
    await Journal.start(folder, 'own', 'x')
    await writeFile(join(folder, 'odd.ndjson'), text)
    expect(await readJournals(folder)).toMatchObject({ dead: [], unreadable: [{ file: join(folder, 'odd.ndjson') }] })
  })

  test('a file that may not be read is named, no error', async () => {
    await killedRun('run-1')
    const path = join(folder, 'run-1.ndjson')
    await chmod(path, 0)
    const isRoot = process.geteuid?.() === 0
    if (isRoot) {
      await chmod(folder, 0o755)
      await chmod(join(folder, '..'), 0o755)
      await chmod(join(folder, '../..'), 0o755)
      process.seteuid?.(65534)
    }
    try {
      expect((await readJournals(folder)).unreadable).toEqual([{ file: path, problem: `read the journal "${path}": permission denied` }])
    } finally {
      if (isRoot) process.seteuid?.(0)
    }
  }, 20_000)
})

describe('going on with a dead run\'s journal', () => {
  async function onlyDead(): Promise<StoredJournal> {
    const { dead: [journal, ...others] } = await readJournals(folder)
    if (journal === undefined || others.length > 0) throw new Error('one dead journal was expected')
    return journal
  }

  test('settles in its file, also behind a line that the crash cut, and removes it when all is settled', async () => {
    await Journal.start(folder, 'own', 'x')
    await writeJournal('run-1', dead, paused(1), paused(2))
    const path = join(folder, 'run-1.ndjson')
    await writeFile(path, `${await readFile(path, 'utf8')}{"entry":{"id":3,"did":"pau`)
    const first = await Journal.resume(await onlyDead())
    expect(first.open().map(({ id }) => id)).toEqual([1, 2])
    await first.settle(...first.open().slice(0, 1))
    await first.close()
    expect(await onlyDead()).toMatchObject({ open: [{ id: 2 }], damagedLines: 0 })
    const second = await Journal.resume(await onlyDead())
    await second.settle(...second.open())
    await second.close()
    expect(await readdir(folder)).toEqual(['own.ndjson'])
  })

  test('does not bring back a file that is gone', async () => {
    await Journal.start(folder, 'own', 'x')
    await writeJournal('run-1', dead, paused(1))
    const stored = await onlyDead()
    await rm(stored.file)
    await expect(Journal.resume(stored)).rejects.toMatchObject({ code: 'not-found' })
    expect(await readdir(folder)).toEqual(['own.ndjson'])
  })
})
