import { expect } from '@jest/globals'
import { DrayProcess, isStep } from './dray-process.ts'
import type { Inventory, World } from './world.ts'

/** A backup of "web" begins while another one of it is about to rest: both are whole, and of a running container. */
export async function expectTwoBackups(world: World, before: Inventory, one: string, other: string): Promise<void> {
  const contents = await world.contents()
  const args = (consistency: string): string[] => ['backup', 'web', '--consistency', consistency]
  let second: Promise<unknown> | undefined
  const first = new DrayProcess(args(one), world.env, event => {
    if (isStep('read what has changed, while it rests')(event)) second ??= new DrayProcess(args(other), world.env).ended
  })
  expect(await first.ended).toMatchObject({ exitCode: 0 })
  expect(await second).toMatchObject({ exitCode: 0, result: { backups: [{ freeze: { way: other, disturbed: false } }] } })
  const { containers, ...rest } = await world.inventory()
  expect({ containers, ...rest }).toEqual(before)
  for (const id of await world.backups()) expect(await world.contentsOf(id)).toBe(contents)
  expect(await world.journals()).toEqual([])
  expect(await world.repositoryLeftovers()).toEqual([])
}

/** What a note says while a process waits for the repository. */
export function isWaiting(event: { readonly event: string; readonly text?: string }): boolean {
  return event.event === 'note' && event.text?.startsWith('waiting up to') === true
}
