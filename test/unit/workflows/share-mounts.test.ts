import { expect, test } from '@jest/globals'
import type { MountAction, StoredMount } from '../../../src/workflows/restore-plan.ts'
import { shareMounts, type Restoring } from '../../../src/workflows/steps/share-mounts.ts'
import { Obstacles } from '../../../src/workflows/obstacles.ts'

type Mount = { readonly source: string; readonly to?: string; readonly action?: MountAction['action'] }

function restoring(name: string, created: string, ...mounts: Mount[]): Restoring {
  const actions = mounts.map(({ source, to = source, action = 'make' }): MountAction => ({ stored: { described: { source } } as unknown as StoredMount, place: { kind: 'volume', name: to }, action }))
  return { spec: {}, stored: { backup: { created } }, plan: { name, mounts: actions } } as unknown as Restoring
}

const actionsOf = (all: readonly Restoring[]) => all.map(({ plan }) => [plan.name, ...plan.mounts.map(({ action, because }) => because ?? action)])

test('what several containers have is written once, out of the newest backup', () => {
  const obstacles = new Obstacles()
  const shared = shareMounts([restoring('a', '2026-01-01', { source: 'data' }, { source: 'own' }), restoring('b', '2026-01-02', { source: 'data' }), restoring('c', '2026-01-02', { source: 'data' }, { source: 'kept', action: 'keep' })], obstacles)
  expect(actionsOf(shared)).toEqual([['a', 'it comes with container "b"', 'make'], ['b', 'make'], ['c', 'it comes with container "b"', 'keep']])
  expect(() => obstacles.stop('x')).not.toThrow()
})

test('two different things for one place are an obstacle', () => {
  const obstacles = new Obstacles()
  shareMounts([restoring('a', '2026-01-01', { source: 'one', to: 'same' }), restoring('b', '2026-01-01', { source: 'two', to: 'same' })], obstacles)
  expect(() => obstacles.stop('x')).toThrow(expect.objectContaining({ code: 'conflict' }))
})
