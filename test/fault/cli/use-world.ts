import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals'
import { World } from './world.ts'

/**
 * One world for the tests of a file, handed to `keep` when it is there. Before each test it has a fresh repository and a container
 * "web", and `prepare` is done; after each everything is removed.
 */
export function useWorld(keep: (world: World) => void, prepare: (world: World) => Promise<void> = () => Promise.resolve(), prepareMs = 30_000): void {
  let world: World
  beforeAll(async () => {
    world = await World.start()
    keep(world)
  }, 120_000)
  afterAll(async () => world[Symbol.asyncDispose](), 60_000)
  beforeEach(async () => {
    await world.fresh()
    await world.makeWeb()
    await prepare(world)
  }, prepareMs)
  afterEach(async () => world.removeAll(), 60_000)
}
