import '../../one-realm.ts'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { waitUntil } from '../../lab/wait.ts'
import { DrayProcess, isStep } from './dray-process.ts'
import { Pair } from './pair.ts'

let pair: Pair

beforeAll(async () => {
  pair = await Pair.start()
  await pair.makeWeb()
}, 120_000)
afterAll(async () => pair[Symbol.asyncDispose](), 60_000)

describe('a migration that does not come to its end', () => {
  test('because the copy is not healthy: exit 40, the source runs, the target is clean', async () => {
    const { exitCode, stderr } = await pair.dray(...pair.migration('socket', '--wait-for', 'test -e /data/never', '--health-timeout', '1'))
    expect({ exitCode, stderr }).toEqual({ exitCode: 40, stderr: expect.stringContaining('did not succeed in the container') })
    expect(await pair.state()).toEqual(pair.asBefore())
  }, 60_000)

  test('because of kill -9 when the copy is started: dray clean puts it right', async () => {
    const { met } = await pair.drayWith(pair.migration(), isStep('start it and wait for its health'), child => child.kill('SIGKILL'))
    expect(met).toBe(true)
    expect(await pair.dray('clean')).toMatchObject({ exitCode: 0 })
    expect(await pair.state()).toEqual(pair.asBefore())
  }, 60_000)

  test('because of kill -9 when the copy ran, and found when that has worked for long: it is left until somebody says what is wanted', async () => {
    const { child, ended } = new DrayProcess(pair.migration('socket', '--wait-for', 'test -e /data/never'), pair.env)
    await waitUntil(async () => (await pair.two.docker('ps', '--format', '{{.Names}}')) === 'web', 'the copy to run')
    child.kill('SIGKILL')
    expect(await ended).toMatchObject({ exitCode: 137 })
    await pair.two.docker('exec', 'web', 'sh', '-c', 'echo order > /data/order')
    await pair.one.ageJournals(30)
    const left = await pair.dray('clean')
    expect(left).toMatchObject({ exitCode: 3, result: { left: [{ problem: expect.stringMatching(/its container "web" has run for longer than a start takes, .* dray clean --forget \S+; if not: dray clean --undo \S+$/) }] } })
    expect(await pair.two.docker('exec', 'web', 'cat', '/data/order')).toBe('order')
    const [first] = left.result?.['left'] as { run: string }[]
    expect(await pair.dray('clean', '--undo', first?.run ?? '', '--yes')).toMatchObject({ exitCode: 0 })
    expect(await pair.state()).toEqual(pair.asBefore())
  }, 90_000)
})

describe('a finished migration', () => {
  let run: string

  test('has moved the data, and retired the source', async () => {
    const { exitCode, result } = await pair.dray(...pair.migration())
    expect({ exitCode, result }).toMatchObject({ exitCode: 0, result: { downtimeMilliseconds: expect.any(Number), containers: [{ name: 'web', differences: [], losses: [] }] } })
    run = result?.['run'] as string
    expect(await pair.dataOf(pair.two)).toBe(pair.contents)
    expect({ status: await pair.one.status(), policy: await pair.policy() }).toEqual({ status: 'exited', policy: 'no' })
    expect(await pair.one.journals()).toEqual([])
  }, 60_000)

  test('is not taken back when the target has new data, unless that is given up', async () => {
    await pair.two.docker('exec', 'web', 'sh', '-c', 'echo new > /data/new')
    const { exitCode, stderr } = await pair.dray('migrate', '--undo', run, '--yes')
    expect({ exitCode, stderr }).toEqual({ exitCode: 12, stderr: expect.stringContaining('--discard-new-data') })
    expect({ one: await pair.one.status(), two: await pair.two.status() }).toEqual({ one: 'exited', two: 'running' })
    expect(await pair.dray('migrate', '--undo', run, '--discard-new-data')).toMatchObject({ exitCode: 2 })
  }, 60_000)

  test('is taken back: the source runs as before, the target is clean', async () => {
    expect(await pair.dray('migrate', '--undo', run, '--discard-new-data', '--yes')).toMatchObject({ exitCode: 0 })
    expect(await pair.state()).toEqual(pair.asBefore())
    expect(await pair.dray('migrate', '--undo', run, '--yes')).toMatchObject({ exitCode: 12 })
  }, 60_000)
})
