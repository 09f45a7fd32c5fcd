import '../one-realm.ts'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { must } from '../lab/command.ts'

const child = fileURLToPath(new URL('namespace-child.js', import.meta.url))
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dray-namespaces-'))
})
afterEach(async () => rm(folder, { recursive: true }))

/** What two containers on one host have of their own: numbers of processes, and a name. */
const inContainer = (name: string, ...args: string[]): string[] => ['--map-root-user', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc', '--uts', 'sh', '-c', `hostname ${name} && exec "$@"`, 'sh', process.execPath, child, folder, ...args]

async function holder(): Promise<{ readonly process: ChildProcess; readonly end: () => Promise<void> }> {
  const started = spawn('unshare', inContainer('one', 'hold'), { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(started.stdout, 'data')
  return {
    process: started,
    end: async () => {
      started.kill('SIGKILL')
      await once(started, 'close')
    },
  }
}

const seenFrom = async (name: string): Promise<unknown> => JSON.parse(await must('unshare', inContainer(name, 'look')))
const seenHere = async (): Promise<unknown> => JSON.parse(await must(process.execPath, [child, folder, 'look']))

test('who works in another container is respected while it lives, and known to be dead when it was killed', async () => {
  const { end } = await holder()
  const alive = { isFree: false, dead: [], others: ['run-1'] }
  expect(await seenFrom('two')).toEqual(alive)
  expect(await seenHere()).toEqual(alive)
  await end()
  expect(await seenFrom('two')).toEqual({ isFree: true, dead: ['run-1'], others: [] })
  expect(await seenHere()).toEqual({ isFree: true, dead: ['run-1'], others: [] })
  expect(await readdir(join(folder, 'locks'))).toEqual([expect.stringMatching(/\.life$/)])
}, 60_000)

test('also by one that has the same name', async () => {
  const { end } = await holder()
  expect(await seenFrom('one')).toEqual({ isFree: false, dead: [], others: ['run-1'] })
  await end()
  expect(await seenFrom('one')).toEqual({ isFree: true, dead: ['run-1'], others: [] })
}, 60_000)
