import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { MountTarget } from '../../../src/mounts/mount-access.ts'
import { openMountReader } from '../../../src/mounts/open-mount.ts'
import { startHost, type LabHost } from '../../lab/host.ts'

const signal = new AbortController().signal
let host: LabHost

beforeAll(async () => {
  host = await startHost({ engine: '20.10', seesOwnFiles: false, tcp: true })
}, 300_000)

afterAll(async () => {
  await host[Symbol.asyncDispose]()
}, 60_000)

async function chosenThrough(address: string): Promise<[string, string]> {
  const engine = await connectEngine({ host: address, env: { ...process.env, ...host.ssh.env } })
  try {
    const { Name, Mountpoint, Driver } = await engine.volumes.create({ Name: 'data' })
    const target: MountTarget = { kind: 'volume', name: Name, mountpoint: Mountpoint, driver: Driver }
    await using reader = await openMountReader({ engine, target, reader: 'auto', run: 'r1', signal })
    if (reader.kind === 'helper') await expect(openMountReader({ engine, target, reader: 'host', run: 'r1', signal })).rejects.toMatchObject({ code: 'refused' })
    expect(await engine.volumes.list({ label: ['dev.drayage.run'] })).toEqual([])
    return [reader.kind, reader.chosenBecause]
  } finally {
    await engine.close()
  }
}

test('a socket whose engine has its files elsewhere: helper', async () => {
  expect(await chosenThrough(`unix://${host.socket}`)).toEqual(['helper', 'not host: this machine does not see the engine\'s files'])
}, 60_000)

test('tcp, with no shell: helper', async () => {
  expect(await chosenThrough(`tcp://${host.ssh.endpoint.split('@')[1] ?? ''}:2375`)).toEqual(['helper', 'not host: no shell reaches the engine\'s host'])
}, 60_000)

test('ssh to the same engine sees its files: host', async () => {
  expect((await chosenThrough(host.ssh.endpoint))[0]).toBe('host')
}, 60_000)
