import '../one-realm.ts'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, mkdir, open, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { ChunkStore } from '../../src/store/chunk-store.ts'
import { initRepository, openRepository } from '../../src/store/repository.ts'
import { TocWriter } from '../../src/store/toc.ts'
import { backUpTree, layerOf, tarOf } from '../unit/integrity/tree-backup.ts'
import { backUp, entry, noise, writeContent } from '../unit/store/scratch.ts'
import { manyProcessors } from './many-processors.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
const mib = 1024 * 1024
const mostBytes = 150e6
let folder: string

/** Chunks as large as backups have them: of files of all sizes, what can be compressed and what cannot. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-memory-'))
  const tree = join(folder, 'tree')
  await mkdir(tree)
  for (let at = 0; at < 3000; at++) await writeFile(join(tree, `small-${at}`), at % 2 === 0 ? noise(15_000) : `${at} `.repeat(4000))
  for (let at = 0; at < 10; at++) await writeFile(join(tree, `large-${at}`), at % 2 === 0 ? noise(12 * mib) : Buffer.alloc(12 * mib, `${at} `))
  const tar = tarOf(tree)
  await rm(tree, { recursive: true })
  const path = join(folder, 'repo')
  await initRepository(path)
  await using repository = await openRepository(path, { create: false })
  await backUpTree(repository, tar, layerOf('file'))
}, 120_000)
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

test.each([[[], 'here'], [['--deep'], 'here'], [[], 'with eight processors'], [['--deep'], 'with eight processors']])('verify %j of a repository takes less than 150 MB %s', async (args, where) => {
  await expectLittleMemory([...(where === 'here' ? [] : manyProcessors), dray, 'verify', '-r', 'repo', ...args])
}, 60_000)

test('an export whose lists of chunks are many times what is kept in memory is valid, and can be imported', async () => {
  const path = join(folder, 'lists')
  await initRepository(path)
  await using repository = await openRepository(path, { create: false })
  const store = new ChunkStore(repository)
  const [chunk] = await writeContent(repository, store, noise(2000))
  const table = new TocWriter(store)
  await table.add(entry('./data'))
  const toc = await table.finish()
  await store.flush()
  await backUp(repository, Buffer.alloc(0), { mounts: [{ description: { id: 'm1', kind: 'volume', name: 'data' }, content: { chunks: Array.from({ length: 100_000 }, () => chunk!), toc } }] })
  await expectLittleMemory([dray, 'export', 'latest', 'web', '-r', 'lists', '-o', 'lists.tar'], 250e6)
  expect((await stat(join(folder, 'lists.tar'))).size).toBeGreaterThan(20e6)
  await mkdir(join(folder, 'unpacked'))
  execFileSync('tar', ['-xf', 'lists.tar', '-C', 'unpacked'], { cwd: folder })
  for (const target of ['lists.tar', 'unpacked']) await expectLittleMemory([dray, 'verify', target])
  for (const command of [['verify', '-'], ['import', '-', '-r', 'piped']]) {
    await using file = await open(join(folder, 'lists.tar'))
    await expectLittleMemory([dray, ...command], command[0] === 'verify' ? mostBytes : 250e6, file.fd)
  }
  await expectLittleMemory([dray, 'import', 'lists.tar', '-r', 'imported'], 250e6)
}, 120_000)

async function expectLittleMemory(args: readonly string[], limit = mostBytes, stdin: number | 'ignore' = 'ignore'): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder, XDG_STATE_HOME: folder, TMPDIR: folder }, stdio: [stdin, 'ignore', 'pipe'] })
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
  let peak = 0
  const watch = setInterval(() => (peak = Math.max(peak, peakOf(child.pid))), 5)
  const [exitCode] = (await once(child, 'close')) as [number | null]
  clearInterval(watch)
  expect({ exitCode, said: exitCode === 0 ? '' : said }).toEqual({ exitCode: 0, said: '' })
  expect(peak).toBeGreaterThan(40e6)
  expect(peak).toBeLessThan(limit)
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'latin1'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
