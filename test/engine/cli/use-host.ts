import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { at, installDray, type Dray } from './dray.ts'
import { destroy } from './whole-container.ts'

export type HostWithDray = { readonly host: LabHost; readonly dray: Dray }

/**
 * One host for the tests of a file. Before each test it has the image "app:1" and a dray of its own, handed to `keep`, and `prepare` is
 * done; after each everything is removed, and no journal of a run may be left.
 */
export function useHost(keep: (both: HostWithDray) => void, prepare: () => Promise<void> = () => Promise.resolve()): void {
  let host: LabHost
  let dray: Dray
  beforeAll(async () => {
    host = await startHost({ engine: '20.10' })
  }, 60_000)
  afterAll(async () => host[Symbol.asyncDispose](), 60_000)
  beforeEach(async () => {
    dray = await installDray({ DOCKER_HOST: at(host) })
    keep({ host, dray })
    await busyboxImage(host, 'app:1', { cmd: ['sleep', '100000'] })
    await prepare()
  }, 60_000)
  afterEach(async () => {
    const journals = journalsOf(dray)
    await destroy(host)
    await dray[Symbol.asyncDispose]()
    expect(journals).toEqual([])
  }, 60_000)
}

function journalsOf({ state }: Dray): string[] {
  const folder = join(state, 'drayage/journal')
  return existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.ndjson')) : []
}
