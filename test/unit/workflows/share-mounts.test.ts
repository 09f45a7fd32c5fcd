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

function binds(name: string, ...mounts: Mount[]): Restoring {
  const one = restoring(name, '2026-01-01', ...mounts)
  return { ...one, plan: { ...one.plan, mounts: one.plan.mounts.map(mount => ({ ...mount, place: { kind: 'directory', path: (mount.place as { name: string }).name } })) } }
}

test('a bind inside another one that is written comes with the outermost, in whichever container', () => {
  const obstacles = new Obstacles()
  const nested = shareMounts([binds('a', { source: '/n/sub/x' }, { source: '/nn' }), binds('b', { source: '/n/sub' }, { source: '/n', action: 'replace' }, { source: '/n/kept', action: 'keep' })], obstacles)
  expect(actionsOf(nested)).toEqual([['a', 'it comes with "/n"', 'make'], ['b', 'it comes with "/n"', 'replace', 'keep']])
  expect(obstacles.all).toEqual([])
})

test('one that is mapped out of it, or lies in one that is kept, is written by itself', () => {
  const obstacles = new Obstacles()
  const nested = shareMounts([binds('a', { source: '/n' }, { source: '/n/sub', to: '/m' }, { source: '/k', action: 'keep' }, { source: '/k/sub' })], obstacles)
  expect(actionsOf(nested)).toEqual([['a', 'make', 'make', 'keep', 'make']])
  expect(obstacles.all).toEqual([])
})

test.each<[string, Mount, Mount]>([
  ['strangers', { source: '/a', to: '/x' }, { source: '/b', to: '/x/y' }],
  ['another place in it', { source: '/n' }, { source: '/n/sub', to: '/n/other' }],
  ['turned round', { source: '/n', to: '/x/sub' }, { source: '/n/sub', to: '/x' }],
])('places of which one would lie in the other are an obstacle: %s', (_, one, other) => {
  const obstacles = new Obstacles()
  shareMounts([binds('a', one), binds('b', other)], obstacles)
  expect(obstacles.all).toHaveLength(1)
})
