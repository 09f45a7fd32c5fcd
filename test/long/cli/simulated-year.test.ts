import '../../one-realm.ts'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { listBackups } from '../../../src/store/backup-list.ts'
import { openRepository } from '../../../src/store/repository.ts'
import { DrayProcess, isStep, type DrayEnd } from '../../fault/cli/dray-process.ts'
import { World } from '../../fault/cli/world.ts'
import { must } from '../../lab/command.ts'
import { keptBy, type Night } from './kept-by.ts'

const nights = 400
const dayMs = 86_400_000
const clock = new URL('../../fault/shifted-clock.js', import.meta.url).href
const names = ['db', 'log', 'web']
const policy = { daily: 7, weekly: 4, monthly: 6, yearly: 2, withinDays: 3 }
const rules = ['--forget', '--keep-daily', '7', '--keep-weekly', '4', '--keep-monthly', '6', '--keep-yearly', '2', '--keep-within', '3d']

let world: World
/** The first night is tomorrow: what the engine made is older than all of them. */
const firstAt = Math.ceil(Date.now() / dayMs + 1) * dayMs + 2.5 * 3_600_000

beforeAll(async () => {
  world = await World.start()
  const run = (name: string, ...more: string[]): Promise<string> => world.docker('run', '-d', '--init', '--restart', 'always', '--stop-timeout', '0', '--name', name, '-v', `${name}-data:/data`, ...more, 'box:1')
  await run('web')
  await run('db', '--label', 'dray.pre=test ! -e /broken', '--label', 'dray.dump=cat /data/*', '--label', 'dray.consistency=stop')
  await run('log')
}, 120_000)
afterAll(async () => world[Symbol.asyncDispose](), 60_000)

type Fault = 'kill' | 'stop' | 'hook' | 'off' | 'ahead' | 'engine'

/** What goes wrong in a night. */
function faultOf(night: number): Fault | undefined {
  const every: readonly (readonly [number, Fault])[] = [[97, 'engine'], [83, 'ahead'], [41, 'off'], [19, 'stop'], [13, 'hook'], [9, 'kill']]
  return every.find(([nth]) => night % nth === 0)?.[1]
}

function env(at: number): NodeJS.ProcessEnv {
  return { ...world.env, TZ: 'UTC', NODE_OPTIONS: `--import=${clock}`, CLOCK_AHEAD_MS: String(at - Date.now()) }
}

/** A little is new each day, and what is a month old goes. */
async function live(night: number): Promise<void> {
  const file = night % 30
  for (const name of names) await world.docker('exec', name, 'sh', '-c', `head -c 30000 /dev/urandom > /data/day-${file}; rm -f /broken`)
  if (faultOf(night) === 'hook') await world.docker('exec', 'db', 'touch', '/broken')
}

/** Whether dray was let to its end. */
async function work(night: number, at: number): Promise<{ readonly end: DrayEnd; readonly isWhole: boolean }> {
  const fault = faultOf(night)
  const args = ['backup', ...names, ...rules]
  if (fault === 'engine') {
    await world.host.kill('dockerd')
    await world.host.restartEngine()
    for (const name of names) await world.docker('start', name)
  }
  const now = env(fault === 'ahead' ? at + 5 * 365 * dayMs : at)
  if (fault !== 'kill' && fault !== 'stop') return { end: await new DrayProcess(args, now).ended, isWhole: true }
  const steps = ['read its mounts', 'read what has changed, while it rests', 'write the backup'] as const
  const isMet = isStep(steps[night % steps.length] ?? steps[0])
  const { ended } = new DrayProcess(args, now, (event, child) => {
    if (isMet(event)) child.kill(fault === 'kill' ? 'SIGKILL' : 'SIGTERM')
  })
  return { end: await ended, isWhole: false }
}

async function stored(): Promise<Map<string, Night[]>> {
  await using repository = await openRepository(world.repo, { create: false })
  const backups = await listBackups(repository)
  return new Map(names.map(name => [name, backups.filter(({ containers }) => containers.includes(name)).map(({ id, created }) => ({ id, at: Date.parse(created) }))]))
}

const idsOf = (of: readonly Night[] | undefined): string[] => (of ?? []).map(({ id }) => id).sort()

async function size(): Promise<number> {
  return Number((await must('du', ['-sb', world.repo])).split('\t')[0])
}

test('a year of nights, some of which go wrong: retention is exact, the repository verifies and stays small, and no container is ever left down', async () => {
  const contents = new Map<string, string>()
  const sizes: number[] = []
  const said: Record<string, number> = {}
  let before: ReadonlyMap<string, Night[]> = new Map()
  for (let night = 1; night <= nights; night++) {
    const fault = faultOf(night)
    said[fault ?? 'well'] = (said[fault ?? 'well'] ?? 0) + 1
    await live(night)
    if (fault === 'off') continue
    const at = firstAt + night * dayMs
    const now = await world.docker('exec', 'web', 'sh', '-c', 'md5sum /data/*')
    const { end, isWhole } = await work(night, at)
    const is = { night, fault }
    if (fault === 'kill') expect({ ...is, ...await new DrayProcess(['clean'], env(at)).ended }).toMatchObject({ ...is, exitCode: 0 })
    if (isWhole) expect({ ...is, exitCode: end.exitCode, stderr: end.stderr }).toEqual({ ...is, exitCode: fault === 'hook' ? 3 : 0, stderr: '' })
    else expect({ ...is, exitCode: end.exitCode }).toEqual({ ...is, exitCode: fault === 'kill' ? 137 : 143 })
    expect({ ...is, running: (await world.docker('ps', '--format', '{{.Names}}')).split('\n').sort() }).toEqual({ ...is, running: names })
    const after = await stored()
    for (const name of names) {
      const had = before.get(name) ?? []
      const made = (after.get(name) ?? []).filter(({ id }) => !had.some(other => other.id === id))
      if (name === 'web') for (const { id } of made) contents.set(id, now)
      const isForgotten = isWhole && !(fault === 'hook' && name === 'db')
      expect({ ...is, name, made: made.length }).toEqual({ ...is, name, made: isForgotten ? 1 : isWhole ? 0 : expect.any(Number) })
      const moment = fault === 'ahead' ? at + 5 * 365 * dayMs : at
      expect({ ...is, name, stays: idsOf(after.get(name)) }).toEqual({ ...is, name, stays: isForgotten ? keptBy([...had, ...made], policy, moment + dayMs / 2) : idsOf([...had, ...made]) })
    }
    before = after
    if (night % 100 === 0) {
      sizes.push(await size())
      expect({ ...is, ...await new DrayProcess(['verify', '--deep'], env(at)).ended }).toMatchObject({ ...is, exitCode: 0, stderr: '' })
    }
  }
  process.stderr.write(`a simulated year: ${JSON.stringify(said)}; MB after each 100 nights: ${sizes.map(each => (each / 1e6).toFixed(1)).join(', ')}; ${[...before.values()].flat().length} backups at last\n`)
  expect(sizes.at(-1) ?? Infinity).toBeLessThan((sizes[1] ?? 0) * 1.3)
  expect(await world.journals()).toEqual([])
  const ofWeb = before.get('web') ?? []
  for (const { id } of [ofWeb[0], ofWeb.at(-1)].filter(each => each !== undefined)) {
    expect(await new DrayProcess(['restore', id, '--name', 'other', '--map-volume', 'web-data:other-data'], env(firstAt + nights * dayMs)).ended).toMatchObject({ exitCode: 0 })
    expect(await world.docker('exec', 'other', 'sh', '-c', 'md5sum /data/*')).toBe(contents.get(id))
    await world.docker('rm', '-f', 'other')
    await world.docker('volume', 'rm', 'other-data')
  }
  await rm(world.repo, { recursive: true })
}, 3_600_000)
