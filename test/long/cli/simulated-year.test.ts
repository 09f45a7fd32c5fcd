import '../../one-realm.ts'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { listBackups } from '../../../src/store/backup-list.ts'
import { openRepository } from '../../../src/store/repository.ts'
import { DrayProcess, isStep, type DrayEnd } from '../../fault/cli/dray-process.ts'
import { World } from '../../fault/cli/world.ts'
import { must } from '../../lab/command.ts'
import { exitCodesOf, faultOf, stepOf, wrongByMs } from './faults-of-a-year.ts'
import { keptBy, type Night } from './kept-by.ts'

/** DRAY_YEAR_NIGHTS: fewer, to try the test itself. From 40 on there is one of each fault. */
const nights = Number(process.env['DRAY_YEAR_NIGHTS'] ?? 400)
const dayMs = 86_400_000
const clock = new URL('../../fault/shifted-clock.js', import.meta.url).href
const names = ['db', 'log', 'web']
const policy = { daily: 7, weekly: 4, monthly: 6, yearly: 2, withinDays: 3 }
const rules = ['--forget', '--keep-daily', '7', '--keep-weekly', '4', '--keep-monthly', '6', '--keep-yearly', '2', '--keep-within', '3d']

let world: World
/** The repository's disk. */
let disk: string
/** The first night is tomorrow: what the engine made is older than all of them. */
const firstAt = Math.ceil(Date.now() / dayMs + 1) * dayMs + 2.5 * 3_600_000

beforeAll(async () => {
  world = await World.start()
  disk = join(world.folder, 'disk')
  await mkdir(disk)
  await must('truncate', ['-s', '400M', `${disk}.img`])
  await must('mkfs.ext4', ['-q', '-m', '0', `${disk}.img`])
  await must('mount', ['-o', 'loop', `${disk}.img`, disk])
  world.repo = join(disk, 'repo')
  const run = (name: string, ...more: string[]): Promise<string> => world.docker('run', '-d', '--init', '--restart', 'always', '--stop-timeout', '0', '--name', name, '-v', `${name}-data:/data`, ...more, 'box:1')
  await run('web')
  await run('db', '--label', 'dray.pre=test ! -e /broken', '--label', 'dray.dump=cat /data/*', '--label', 'dray.consistency=stop')
  await run('log')
}, 120_000)
afterAll(async () => {
  await must('umount', [disk])
  await world[Symbol.asyncDispose]()
}, 60_000)

function env(at: number): NodeJS.ProcessEnv {
  return { ...world.env, TZ: 'UTC', NODE_OPTIONS: `--import=${clock}`, CLOCK_AHEAD_MS: String(at - Date.now()) }
}

const filesOfAMonth = 30
const fileBytes = 30_000

/** A little is new each day, and what is a month old goes. */
async function live(night: number): Promise<void> {
  await Promise.all(names.map(name => world.docker('exec', name, 'sh', '-c', `head -c ${fileBytes} /dev/urandom > /data/day-${night % filesOfAMonth}; rm -f /broken`)))
  if (faultOf(night) === 'hook') await world.docker('exec', 'db', 'touch', '/broken')
}

const freeBytes = async (): Promise<number> => Number((await must('df', ['--output=avail', '-B1', disk])).split('\n')[1])

const backUp = (at: number, onEvent?: ConstructorParameters<typeof DrayProcess>[2]): Promise<DrayEnd> => new DrayProcess(['backup', ...names, ...rules], env(at), onEvent).ended

/** The night's `dray backup`, with what goes wrong around it and in it. */
async function work(night: number, at: number): Promise<DrayEnd> {
  const fault = faultOf(night)
  const atStep = (act: (child: { kill: (signal: NodeJS.Signals) => unknown }) => unknown): Promise<DrayEnd> => {
    let isMet = false
    return backUp(at, (event, child) => {
      if (isMet || !isStep(stepOf(night))(event)) return
      isMet = true
      void act(child)
    })
  }
  switch (fault) {
    case 'kill':
    case 'kill, and again':
      return await atStep(child => child.kill('SIGKILL'))
    case 'stop':
      return await atStep(child => child.kill('SIGTERM'))
    case 'full disk': {
      const balloon = join(disk, 'balloon')
      await must('fallocate', ['-l', String(await freeBytes() - 100_000), balloon])
      return await backUp(at).finally(() => must('rm', [balloon]))
    }
    case 'engine down':
      await world.host.kill('dockerd')
      return await backUp(at).finally(() => world.host.restartEngine())
    case 'engine lost':
      return await atStep(() => world.host.kill('dockerd')).finally(() => world.host.restartEngine())
    case 'engine restarted':
      await world.host.restartEngine()
      return await backUp(at)
    default:
      return await backUp(at)
  }
}

/** Backups by container, each with its moment. */
async function stored(): Promise<Map<string, Night[]>> {
  await using repository = await openRepository(world.repo, { create: false })
  const backups = await listBackups(repository)
  return new Map(names.map(name => [name, backups.filter(({ containers }) => containers.includes(name)).map(({ id, created }) => ({ id, at: Date.parse(created) }))]))
}

const idsOf = (of: readonly Night[] | undefined): string[] => (of ?? []).map(({ id }) => id).sort()
const running = async (): Promise<string[]> => (await world.docker('ps', '--filter', 'status=running', '--format', '{{.Names}} {{.State}}')).split('\n').sort()

async function size(): Promise<number> {
  return Number((await must('du', ['-sb', world.repo])).split('\t')[0])
}

test(`${nights} nights, some of which go wrong: retention is exact, the repository verifies and stays small, and no container is ever left down`, async () => {
  const contents = new Map<string, string>()
  const sizes: number[] = []
  const said: Record<string, number> = {}
  let before: ReadonlyMap<string, Night[]> = new Map()
  let firstSize = 0

  /** After a run: what is stored is what was, and what is new, without what the rules let go. */
  async function expectKept(is: { night: number }, moment: number, hasEnded: (name: string) => boolean, contentsNow: string): Promise<void> {
    const after = await stored()
    for (const name of names) {
      const had = before.get(name) ?? []
      const made = (after.get(name) ?? []).filter(({ id }) => !had.some(other => other.id === id))
      if (name === 'web') for (const { id } of made) contents.set(id, contentsNow)
      if (hasEnded(name)) expect({ ...is, name, made: made.length }).toEqual({ ...is, name, made: 1 })
      expect({ ...is, name, stays: idsOf(after.get(name)) }).toEqual({ ...is, name, stays: hasEnded(name) ? keptBy([...had, ...made], policy, moment + dayMs / 8) : idsOf([...had, ...made]) })
    }
    before = after
  }

  for (let night = 1; night <= nights; night++) {
    const fault = faultOf(night)
    said[fault ?? 'well'] = (said[fault ?? 'well'] ?? 0) + 1
    await live(night)
    if (fault === 'off') continue
    const is = { night, fault }
    const at = firstAt + night * dayMs + wrongByMs(fault)
    const contentsNow = await world.docker('exec', 'web', 'sh', '-c', 'md5sum /data/*')
    const end = await work(night, at)
    const { exitCode } = end
    expect({ ...is, exitCode, stderr: end.stderr, isExpected: exitCodesOf[fault ?? 'well'].includes(exitCode) }).toEqual({ ...is, exitCode, stderr: end.stderr, isExpected: true })
    if (exitCode === 0 || fault === 'hook') expect({ ...is, stderr: end.stderr }).toEqual({ ...is, stderr: '' })
    await expectKept(is, at, name => exitCode === 0 || (fault === 'hook' && name !== 'db'), contentsNow)
    if (fault === 'kill') expect({ ...is, ...await new DrayProcess(['clean'], env(at)).ended }).toMatchObject({ ...is, exitCode: 0 })
    if (fault === 'kill, and again' || fault === 'engine lost') {
      const again = await backUp(at + dayMs / 24)
      expect({ ...is, exitCode: again.exitCode, stderr: again.stderr }).toEqual({ ...is, exitCode: 0, stderr: '' })
      await expectKept(is, at, () => true, contentsNow)
    }
    expect({ ...is, running: await running() }).toEqual({ ...is, running: names.map(name => `${name} running`) })
    expect({ ...is, journals: await world.journals() }).toEqual({ ...is, journals: [] })
    // The lock of the dead is taken away by the next one who locks.
    if (fault !== 'kill') expect({ ...is, left: await world.repositoryLeftovers() }).toEqual({ ...is, left: [] })
    if (night === 1) firstSize = await size()
    if (night % Math.ceil(nights / 4) === 0) {
      sizes.push(await size())
      expect({ ...is, ...await new DrayProcess(['verify', '--deep'], env(at)).ended }).toMatchObject({ ...is, exitCode: 0, stderr: '' })
    }
  }
  const backups = [...before].flatMap(([name, of]) => of.map(each => ({ ...each, name })))
  process.stderr.write(`a simulated year: ${JSON.stringify(said)}; MB after each quarter: ${sizes.map(each => (each / 1e6).toFixed(1)).join(', ')}; ${backups.length} backups at last\n`)
  // What is listed holds this at most: the month's files, and those of the database once more as its dump.
  const held = backups.reduce((sum, { name }) => sum + filesOfAMonth * fileBytes * (name === 'db' ? 2 : 1), 0)
  expect(sizes.at(-1) ?? Infinity).toBeLessThan(firstSize + 1.15 * held)
  if (nights >= 400) expect(sizes.at(-1) ?? Infinity).toBeLessThan((sizes[1] ?? 0) * 1.3)
  expect((await new DrayProcess(['verify', '--deep'], env(firstAt + nights * dayMs)).ended).exitCode).toBe(0)
  const ofWeb = before.get('web') ?? []
  for (const { id } of [ofWeb[0], ofWeb.at(-1)].filter(each => each !== undefined)) {
    expect(await new DrayProcess(['restore', id, '--name', 'other', '--map-volume', 'web-data:other-data'], env(firstAt + nights * dayMs)).ended).toMatchObject({ exitCode: 0 })
    expect(await world.docker('exec', 'other', 'sh', '-c', 'md5sum /data/*')).toBe(contents.get(id))
    await world.docker('rm', '-f', 'other')
    await world.docker('volume', 'rm', 'other-data')
  }
}, 3_600_000)
