import '../../../one-realm.ts'
import { readdir, readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { ChildProcess } from 'node:child_process'
import { migratePipeline, stepsOf } from '../../../../src/workflows/migrate.ts'
import { isStep, type DrayEnd } from '../../../fault/cli/dray-process.ts'
import { Pair } from '../../../fault/cli/pair.ts'

const steps = stepsOf({ precopy: true, removeSource: false })
/** From here on a migration is not undone: the copy is live, or is a moment later. */
const lastSteps = steps.slice(steps.indexOf('keep what was made'))
/** So short that what hits it may hit the next: either outcome is right. */
const nearlyLast = 'compare its settings'
const undoableSteps = steps.filter(step => !lastSteps.includes(step) && step !== nearlyLast)
/** Where what is at stake differs. */
const fewSteps = ['send its image', 'send its data while it runs', 'send what has changed', 'create it on the target', 'start it and wait for its health']

test('the chosen steps are there', () => {
  expect(migratePipeline.plan().map(({ name }) => name)).toEqual(expect.arrayContaining(fewSteps))
})

let pair: Pair

function use(start: () => Promise<Pair>): void {
  beforeAll(async () => {
    pair = await start()
  }, 120_000)
  afterAll(async () => pair[Symbol.asyncDispose](), 60_000)
  beforeEach(async () => pair.makeWeb(), 60_000)
  afterEach(async () => {
    await Promise.all([pair.one.host.link('up'), pair.two.host.link('up')])
    await pair.removeAll()
  }, 60_000)
}

async function expectAsBefore(): Promise<void> {
  expect(await pair.state()).toEqual(pair.asBefore())
}

async function expectMoved(): Promise<void> {
  expect(await pair.dataOf(pair.two)).toBe(pair.contents)
  expect({ status: await pair.one.status(), policy: await pair.policy(), journals: await pair.one.journals() }).toEqual({ status: 'exited', policy: 'no', journals: [] })
}

/** Something is done when the step begins; both have ended when this resolves. */
async function faultAt(step: string, act: (child: ChildProcess) => unknown, way: 'socket' | 'ssh' = 'socket', ...more: readonly string[]): Promise<DrayEnd> {
  let acting: Promise<unknown> | undefined
  const end = await pair.drayWith(pair.migration(way, ...more), isStep(step), child => {
    acting = Promise.resolve(act(child))
  })
  expect({ step, met: end.met, stderr: end.stderr }).toMatchObject({ met: true })
  await acting
  return end
}

describe('signals', () => {
  use(() => Pair.start())

  test.each(undoableSteps.flatMap(step => [[step, 'SIGINT', 130], [step, 'SIGTERM', 143]] as const))('at "%s": %s', async (step, signal, code) => {
    expect(await faultAt(step, child => child.kill(signal))).toMatchObject({ exitCode: code })
    await expectAsBefore()
  }, 60_000)

  test.each(lastSteps)('SIGINT at "%s" is too late: it is moved', async step => {
    expect(await faultAt(step, child => child.kill('SIGINT'))).toMatchObject({ exitCode: 0 })
    await expectMoved()
  }, 60_000)

  test.each([...undoableSteps, nearlyLast])('kill -9 at "%s", and dray clean', async step => {
    await faultAt(step, child => child.kill('SIGKILL'))
    const { exitCode, stderr } = await pair.dray('clean')
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
    await expectAsBefore()
    expect(await pair.dray(...pair.migration())).toMatchObject({ exitCode: 0 })
  }, 60_000)

  test('kill -9 while the source is retired, and dray clean: it is moved', async () => {
    await faultAt('retire the source', child => child.kill('SIGKILL'))
    expect(await pair.dray('clean')).toMatchObject({ exitCode: 0 })
    await expectMoved()
  }, 60_000)
})

describe('engines', () => {
  use(() => Pair.start())

  test.each(fewSteps)('the target\'s is killed and comes back at "%s"', async step => {
    const { exitCode } = await faultAt(step, async () => {
      await pair.two.host.kill('dockerd')
      await pair.two.host.restartEngine()
    })
    expect([10, 14, 40, 41, 0]).toContain(exitCode)
    if (exitCode === 0) return await expectMoved()
    expect(await pair.dray('clean')).toMatchObject({ exitCode: 0 })
    await expectAsBefore()
  }, 120_000)

  test.each(fewSteps)('the source\'s is killed and comes back at "%s"', async step => {
    const { exitCode } = await faultAt(step, async () => {
      await pair.one.host.kill('dockerd')
      await pair.one.host.restartEngine()
    })
    expect([10, 12, 14, 40, 41, 0]).toContain(exitCode)
    if (exitCode === 0) return await expectMoved()
    expect(await pair.dray('clean')).toMatchObject({ exitCode: 0 })
    await expectAsBefore()
  }, 120_000)

  test('the target\'s is killed and stays away: the source runs, the rest is listed (41), and cleaned later', async () => {
    const { exitCode, result } = await faultAt('send what has changed', () => pair.two.host.kill('dockerd'))
    expect({ exitCode, result }).toMatchObject({ exitCode: 41, result: { error: { leftBehind: [expect.objectContaining({ what: 'what was made on the target is removed' }), expect.anything()] } } })
    expect(await pair.dataOf(pair.one)).toBe(pair.contents)
    expect(await pair.dray('clean')).toMatchObject({ exitCode: 3 })
    await pair.two.host.restartEngine()
    expect(await pair.dray('clean')).toMatchObject({ exitCode: 0 })
    await expectAsBefore()
  }, 180_000)
})

describe('the way between', () => {
  use(() => Pair.start())

  test.each(['send its data while it runs', 'send what has changed', 'start it and wait for its health'])('the target\'s cable is pulled at "%s": the source runs, and dray clean does the rest when it is back', async step => {
    const { exitCode } = await faultAt(step, () => pair.two.host.link('down'), 'ssh')
    expect(exitCode).toBe(41)
    expect(await pair.dataOf(pair.one)).toBe(pair.contents)
    await pair.two.host.link('up')
    expect(await pair.dray('clean')).toMatchObject({ exitCode: 0 })
    await expectAsBefore()
  }, 240_000)

  test('the source\'s cable is pulled while it rests: dray clean starts it when it is back', async () => {
    const { exitCode } = await faultAt('send what has changed', () => pair.one.host.link('down'), 'ssh')
    expect(exitCode).toBe(41)
    await pair.one.host.link('up')
    expect(await pair.dray('clean')).toMatchObject({ exitCode: 0 })
    await expectAsBefore()
  }, 240_000)

  test.each(['send its image', 'send its data while it runs', 'send what has changed', 'start it and wait for its health'])('every ssh is killed at "%s"', async step => {
    const { exitCode } = await faultAt(step, async child => {
      for (const pid of await childrenOf(child.pid ?? 0)) if ((await commandOf(pid)).startsWith('ssh')) kill(pid)
    }, 'ssh')
    expect([10, 30, 40, 41, 0]).toContain(exitCode)
    if (exitCode === 0) return await expectMoved()
    expect(await pair.dray('clean')).toMatchObject({ exitCode: 0 })
    await expectAsBefore()
  }, 120_000)
})

describe('the target', () => {
  use(() => Pair.start('20.10', '20.10', { storageMib: 200 }))

  test.each(['send its image', 'send its data while it runs', 'send what has changed'])('has no space left from "%s" on', async step => {
    const full = `${pair.two.host.dataRoot}/full`
    const { exitCode, stderr } = await faultAt(step, () => pair.two.host.sh(`head -c 500M /dev/zero > ${full} 2>/dev/null || true`))
    await pair.two.host.sh(`rm -f ${full}`)
    if (exitCode === 0) return await expectMoved()
    // An engine without space cannot always write down that it has removed something.
    expect({ exitCode, stderr }).toEqual({ exitCode: exitCode === 41 ? 41 : 40, stderr: expect.stringMatching(/no space left/i) })
    if (exitCode === 41) expect(await pair.dray('clean')).toMatchObject({ exitCode: 0 })
    // It may also take the name off an image that is to be removed, and fail to remove the image: nothing leads to it any more.
    await pair.two.docker('image', 'prune', '--force')
    await expectAsBefore()
  }, 120_000)

  test('has too little space from the beginning: exit 12 before anything is done', async () => {
    const full = `${pair.two.host.dataRoot}/full`
    await pair.two.host.sh(`fallocate -l $(($(df -B1 --output=avail ${pair.two.host.dataRoot} | tail -n 1) - 12000000)) ${full}`)
    const { exitCode, stderr } = await pair.dray(...pair.migration())
    await pair.two.host.sh(`rm -f ${full}`)
    expect({ exitCode, stderr }).toEqual({ exitCode: 12, stderr: expect.stringMatching(/MiB free, and \d+ MiB are to be sent/) })
    await expectAsBefore()
  }, 60_000)

  test('has the port in use by a program: exit 12, and nothing was touched', async () => {
    const holding = pair.two.host.sh('exec python3 -c \'import socket, time; s = socket.socket(); s.bind(("0.0.0.0", 18081)); s.listen(); print(__import__("os").getpid(), file=open("/run/holds-port", "w")); time.sleep(60)\'').catch(() => undefined)
    await pair.two.host.sh('until [ -s /run/holds-port ]; do sleep 0.05; done')
    const { exitCode, stderr } = await pair.dray(...pair.migration())
    expect({ exitCode, stderr }).toEqual({ exitCode: 12, stderr: expect.stringMatching(/port 18081\/tcp is taken by a program of the host/) })
    await pair.two.host.sh('kill $(cat /run/holds-port); rm /run/holds-port')
    await holding
    expect(await pair.state()).toEqual(pair.asBefore())
  }, 60_000)

  test('loses the port to another program between the check and the start', async () => {
    const { exitCode, stderr } = await faultAt('create it on the target', () => pair.two.host.sh('nohup python3 -c \'import os, socket, time; s = socket.socket(); s.bind(("0.0.0.0", 18081)); s.listen(); print(os.getpid(), file=open("/run/holds-port", "w")); time.sleep(60)\' >/dev/null 2>&1 & until [ -s /run/holds-port ]; do sleep 0.02; done'), 'socket', '--wait-for', 'sleep 1')
    await pair.two.host.sh('kill $(cat /run/holds-port); rm /run/holds-port')
    expect({ exitCode, stderr }).toEqual({ exitCode: 40, stderr: expect.stringMatching(/18081/) })
    await expectAsBefore()
  }, 60_000)
})

/** Processes below a process, of any depth. */
async function childrenOf(pid: number): Promise<number[]> {
  const parents = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
  }
  const isBelow = (each: number): boolean => each > 1 && (parents.get(each) === pid || isBelow(parents.get(each) ?? 0))
  return [...parents.keys()].filter(isBelow)
}

/** One that has ended by itself meanwhile is as dead. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
}

async function commandOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim()
}
