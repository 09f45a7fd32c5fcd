import '../../one-realm.ts'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startHost, type LabHost } from '../../lab/host.ts'
import { exportWeb, expectLoaded, expectRestoredElsewhere, type Exported } from './exported-contract.ts'

let exported: Exported
let host: LabHost

beforeAll(async () => {
  exported = await exportWeb('20.10')
  host = await startHost({ engine: '20.10' })
}, 120_000)
afterAll(async () => {
  await host[Symbol.asyncDispose]()
  await exported[Symbol.asyncDispose]()
})

test('docker load of 20.10 takes what it can unpack', async () => {
  await expectLoaded(host, exported, ['tar', 'tar.gz'])
  expect(await host.docker(['load', '-i', exported.file('tar.zst')])).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('invalid tar header') })
}, 60_000)

test('export | import, restored on another host; and what that one saves is imported', async () => {
  await expectRestoredElsewhere(host, exported)
}, 60_000)
