import { setImmediate as turnOfLoop } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import type { CommandContext } from '../../../src/cli/command.ts'
import { forEachGroup, type GroupTurn } from '../../../src/cli/for-each-group.ts'
import type { ContainerSummary } from '../../../src/engine/engine.ts'
import { DrayError } from '../../../src/errors/dray-error.ts'
import { Slots } from '../../../src/store/slots.ts'
import type { Failed } from '../../../src/workflows/steps/choose-containers.ts'

function container(name: string, volume?: string): ContainerSummary {
  const Mounts = volume === undefined ? [] : [{ Type: 'volume' as const, Name: volume, Source: '', Destination: '/data', Mode: '', RW: false, Propagation: '' }]
  return { Id: name.padEnd(64, '0'), Names: [`/${name}`], Image: 'box:1', ImageID: '', State: 'running', Created: 0, Labels: {}, Mounts }
}

const nameOf = ({ Names }: ContainerSummary): string => (Names[0] ?? '').slice(1)

/** What was begun and ended, in its order; what is said. */
function played(signal = new AbortController().signal): { readonly log: string[]; readonly context: CommandContext } {
  const log: string[] = []
  const reporter = { warn: (text: string) => log.push(`warning ${text}`), of: () => reporter }
  return { log, context: { reporter, signal } as unknown as CommandContext }
}

const groupsOf = (...containers: ContainerSummary[]) => ({ groups: containers.map(each => [each]), failed: [] })

test('groups are worked on side by side, as many as there are slots', async () => {
  const { log, context } = played()
  let now = 0
  let most = 0
  await forEachGroup(context, groupsOf(...['a', 'b', 'c', 'd', 'e'].map(name => container(name))), {
    isNot: 'done',
    slots: new Slots(2),
    work: async ({ containers }) => {
      most = Math.max(most, ++now)
      await turnOfLoop()
      now--
      log.push(...containers.map(nameOf))
    },
  })
  expect([log, most]).toEqual([['a', 'b', 'c', 'd', 'e'], 2])
})

test('those that share a volume have their turns one after the other, and know what was made before', async () => {
  const { context } = played()
  const knew: Record<string, readonly string[]> = {}
  const work = async ({ containers, earlier }: GroupTurn<string>): Promise<string> => {
    const [name = ''] = containers.map(nameOf)
    knew[name] = earlier
    await turnOfLoop()
    return `backup of ${name}`
  }
  await forEachGroup(context, groupsOf(container('a', 'shared'), container('b'), container('c', 'shared')), { isNot: 'done', slots: new Slots(5), work })
  expect(knew).toEqual({ a: [], b: [], c: ['backup of a'] })
})

test('one that fails is named, in the order of the groups, and the others have their turn', async () => {
  const { log, context } = played()
  const work = async ({ containers }: GroupTurn<void>): Promise<void> => {
    const [name = ''] = containers.map(nameOf)
    if (name === 'a') await turnOfLoop()
    if (name !== 'c') throw new DrayError('io-failed', `${name} cannot be read`)
    log.push(name)
  }
  const failed = await forEachGroup(context, groupsOf(container('a'), container('b'), container('c')), { isNot: 'done', slots: new Slots(3), work })
  expect(failed.map(each => each.container)).toEqual(['a', 'b'])
  expect(log.sort()).toEqual(['c', 'warning container "a" is not done: a cannot be read', 'warning container "b" is not done: b cannot be read'])
})

test('when it fails for all the first failure is thrown, and each one is told', async () => {
  const { context } = played()
  const told: string[] = []
  const work = async ({ containers }: GroupTurn<void>): Promise<void> => {
    const [name = ''] = containers.map(nameOf)
    if (name === 'a') await turnOfLoop()
    throw new DrayError('io-failed', `${name} cannot be read`)
  }
  const onFailed = (failed: readonly Failed[]): void => void told.push(...failed.map((each, at) => `${at} ${each.container}: ${each.error.message}`))
  await expect(forEachGroup(context, groupsOf(container('a'), container('b')), { isNot: 'done', slots: new Slots(2), onFailed, work })).rejects.toThrow('a cannot be read')
  expect(told).toEqual(['0 a: a cannot be read', '1 b: b cannot be read'])
})

test('what concerns all is thrown when those that were begun have ended; no other is begun', async () => {
  const { log, context } = played()
  const work = async ({ containers }: GroupTurn<void>): Promise<void> => {
    const [name = ''] = containers.map(nameOf)
    if (name === 'b') throw new DrayError('engine-unreachable', 'the engine is gone')
    await turnOfLoop()
    log.push(name)
  }
  await expect(forEachGroup(context, groupsOf(container('a'), container('b'), container('c')), { isNot: 'done', slots: new Slots(2), work })).rejects.toThrow('the engine is gone')
  expect(log).toEqual(['a'])
})

test('of several that a signal interrupts, the one that is left half is told', async () => {
  const stop = new AbortController()
  const { context } = played(stop.signal)
  const work = ({ containers }: GroupTurn<void>): Promise<void> => {
    stop.abort()
    return Promise.reject(new DrayError(containers.map(nameOf).join() === 'a' ? 'interrupted' : 'rollback-incomplete', 'stopped'))
  }
  await expect(forEachGroup(context, groupsOf(container('a'), container('b')), { isNot: 'done', slots: new Slots(2), work })).rejects.toMatchObject({ code: 'rollback-incomplete' })
})
