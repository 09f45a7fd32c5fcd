import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { at, docker, expectExit, inspect, inventory, type Dray } from '../../engine/cli/dray.ts'
import { useHost } from '../../engine/cli/use-host.ts'
import { destroy } from '../../engine/cli/whole-container.ts'
import type { LabHost } from '../../lab/host.ts'
import { keys, Terminal } from '../../lab/terminal.ts'
import { waitUntil } from '../../lab/wait.ts'

const program = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))
const { enter, down, up, ctrlC } = keys
const fileSum = 'sha256sum /data/big /data/file'
let host: LabHost
let dray: Dray

/** "web" is healthy only while a file lies in its tmpfs, which a restored one lacks: its restore ends by Ctrl-C alone. */
useHost(both => void ({ host, dray } = both), async () => {
  await host.sh(`set -e; docker network create front >/dev/null
    docker run -d --name web --stop-signal KILL --network front -p 18080:80 -v data:/data --tmpfs /flag --health-cmd 'test -e /flag/well' --health-interval 300ms --health-retries 100000 app:1 >/dev/null
    docker exec web sh -c 'touch /flag/well; head -c 200000000 /dev/urandom > /data/big; echo stored > /data/file'`)
  expectExit(await dray('backup', 'web'), 0)
  await docker(host, 'exec', 'web', 'sh', '-c', 'echo later > /data/file')
})

const openWizard = (): Terminal => Terminal.open(`${process.execPath} ${program} restore`, { env: { PATH: process.env['PATH'], HOME: dray.home, XDG_STATE_HOME: dray.state, DRAY_REPO: dray.repository, DOCKER_HOST: at(host) } })

async function takeDefaults(wizard: Terminal): Promise<void> {
  for (const asked of ['What is to be brought back?', 'As it was when?', 'What of it?', 'Where to?']) await wizard.answer(asked, enter)
}

async function interrupted(wizard: Terminal): Promise<void> {
  await wizard.shows(/SIGINT: stopping and putting everything back \(once more to stop at once\)[^]*dray: error: restore: [^:]+: stopped, as asked with Ctrl-C \(SIGINT\)/)
  expect(await wizard.ended()).toBe(130)
}

const moments: readonly (readonly [when: string, marker: RegExp])[] = [
  ['while data is written', /data {2}[\d.]+ MiB of 191 MiB/],
  ['while it waits for health', /give it its state/],
]

test.each(moments)('Ctrl-C %s: everything that was made is gone again', async (_when, marker) => {
  await destroy(host)
  await docker(host, 'network', 'rm', 'front').catch(() => undefined)
  const before = await inventory(host)
  await using wizard = openWizard()
  await takeDefaults(wizard)
  await wizard.answer('Restore it?', enter)
  await wizard.answer(marker, ctrlC)
  await interrupted(wizard)
  expect(wizard.text).toContain('dray: undone: what was made on the target')
  expect(await inventory(host)).toEqual(before)
}, 120_000)

test('a connection that ends while it waits for health: everything that was made is gone again', async () => {
  await destroy(host)
  const before = await inventory(host)
  const wizard = openWizard()
  await takeDefaults(wizard)
  await wizard.answer('Restore it?', enter)
  await wizard.shows('to become healthy')
  await wizard[Symbol.asyncDispose]()
  await waitUntil(async () => JSON.stringify(await inventory(host)) === JSON.stringify(before), 'everything to be gone again')
  await waitUntil(() => !readdirSync(join(dray.state, 'drayage/journal')).some(name => name.endsWith('.ndjson')), 'the journal to be closed')
}, 120_000)

test.each(moments)('Ctrl-C %s in place of what runs: that runs again, with its data', async (_when, marker) => {
  const before = { inventory: await inventory(host), inspect: await inspect(host, 'web'), data: await docker(host, 'exec', 'web', 'sh', '-c', fileSum) }
  await using wizard = openWizard()
  await takeDefaults(wizard)
  await wizard.answer('there is a container "web" already', down, enter)
  await wizard.answer('Restore it, and replace', up, enter)
  await wizard.shows('set aside what is replaced')
  await wizard.answer(marker, ctrlC)
  await interrupted(wizard)
  expect(await inspect(host, 'web')).toMatchObject({ Id: before.inspect.Id, State: { Status: 'running' }, HostConfig: { PortBindings: before.inspect.HostConfig['PortBindings'] } })
  expect(await docker(host, 'exec', 'web', 'sh', '-c', fileSum)).toBe(before.data)
  expect((await inventory(host)).volumes).toEqual(before.inventory.volumes)
  expect((await inventory(host)).containers.length).toBe(before.inventory.containers.length)
  expectExit(await dray('doctor'), 0)
}, 120_000)
