import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import type { LabHost } from '../../lab/host.ts'
import { keys, Terminal } from '../../lab/terminal.ts'
import { at, docker, expectExit, inspect, inventory, type Dray } from './dray.ts'
import { useHost } from './use-host.ts'
import { destroy, mountpoint } from './whole-container.ts'

const program = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))
const { enter, escape, down, up, ctrlC } = keys
let host: LabHost
let dray: Dray

/** "web" with two volumes, backed up once without and once with a big file, of which then a bit flips in the repository. */
useHost(both => void ({ host, dray } = both), async () => {
  await host.sh('docker run -d --name web --stop-signal KILL -v data:/data -v photos:/photos app:1 >/dev/null; docker exec web sh -c "echo stored > /data/file; echo small > /photos/small"')
  expectExit(await dray('backup', 'web'), 0)
  await host.sh('docker exec web dd if=/dev/urandom of=/photos/big bs=1M count=20 2>/dev/null')
  expectExit(await dray('backup', 'web'), 0)
  const blobs = join(dray.repository, 'blobs/sha256')
  const [largest] = readdirSync(blobs).map(name => join(blobs, name)).sort((a, b) => statSync(b).size - statSync(a).size)
  const bytes = readFileSync(largest!)
  bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000)
  writeFileSync(largest!, bytes)
})

const openWizard = (): Terminal => Terminal.open(`${process.execPath} ${program} restore`, { env: { PATH: process.env['PATH'], HOME: dray.home, XDG_STATE_HOME: dray.state, DRAY_REPO: dray.repository, DOCKER_HOST: at(host), NO_COLOR: '1' } })
const photos = async (): Promise<string[]> => readdirSync(await mountpoint(host, 'photos'))

test('damage that shows while it is read: all is undone, and what is left comes back when that is wanted', async () => {
  await destroy(host)
  const before = await inventory(host)
  await using wizard = openWizard()
  for (const asked of ['What is to be brought back?', 'As it was when?', 'What of it?', 'Where to?', 'Restore it?']) await wizard.answer(asked, enter)
  const damage = await wizard.shows(/everything is as it was before\. What now\?[^]*choose another backup/)
  expect(damage).toMatch(/is damaged[^]*❯ restore what is left of it/)
  expect(await inventory(host)).toEqual(before)
  wizard.press(enter)
  const summary = await wizard.shows('Restore it?')
  expect(summary).toMatch(/would restore container "web"[^]*damaged +mount photos: files and other entries \(1\)\n +\.\/big\n[^]*restore \S+ web[\s\\]+--skip-damaged\n/)
  wizard.press(enter)
  expect(await wizard.ended()).toBe(3)
  expect(wizard.text).toMatch(/damaged, and not restored: 1 thing\n[^\n]* volume "photos": \.\/big: its data\n[^]*state: running[^]*undo: /)
  expect(await photos()).toEqual(['small'])
  expect(await docker(host, 'exec', 'web', 'cat', '/data/file')).toBe('stored')
}, 120_000)

test('damage that verify found: the whole one is the default, and the other is asked about before anything else', async () => {
  expectExit(await dray('verify'), 20)
  await destroy(host)
  const before = await inventory(host)
  await using wizard = openWizard()
  await wizard.answer('What is to be brought back?', enter)
  expect(await wizard.shows('As it was when?')).toMatch(/damaged\n❯ .*20/)
  wizard.press(up)
  wizard.press(enter)
  expect(await wizard.shows('choose another backup')).toMatch(/This backup is damaged\. What now\?/)
  await wizard.answer('choose another backup', down, enter)
  await wizard.answer('As it was when?', up, enter)
  await wizard.answer('choose another backup', escape)
  await wizard.answer('As it was when?', up, enter)
  await wizard.answer('choose another backup', enter)
  await wizard.answer('What of it?', escape)
  await wizard.answer('choose another backup', enter)
  await wizard.answer('What of it?', down, down, enter)
  await wizard.answer('Which of them?', 'a', enter)
  await wizard.answer('Where to?', enter)
  expect(await wizard.shows('Restore it?')).toMatch(/would restore the data[^]*damaged +mount photos: [^]*\.\/big\n[^]*--skip-damaged --only data/)
  expect(await inventory(host)).toEqual(before)
  wizard.press(enter)
  expect(await wizard.ended()).toBe(3)
  expect(wizard.text).toMatch(/damaged, and not restored: 1 thing\n[^\n]* volume "photos": \.\/big: its data\n/)
  expect(await photos()).toEqual(['small'])
  expect(readFileSync(join(await mountpoint(host, 'data'), 'file'), 'utf8')).toBe('stored\n')
}, 120_000)

test('in place of what runs: nothing is lost by the attempt, and the backup before is one answer away', async () => {
  await host.sh('docker exec web sh -c "echo later > /data/file; rm /photos/big"')
  const before = await inspect(host, 'web')
  await using wizard = openWizard()
  for (const asked of ['What is to be brought back?', 'As it was when?', 'What of it?', 'Where to?']) await wizard.answer(asked, enter)
  await wizard.answer('there is a container "web" already', down, enter)
  await wizard.answer('Restore it, and replace', up, enter)
  await wizard.answer('choose another backup', down, enter)
  expect(await inspect(host, 'web')).toMatchObject({ Id: before.Id, State: { Status: 'running' } })
  expect(await docker(host, 'exec', 'web', 'cat', '/data/file')).toBe('later')
  expect(await photos()).toEqual(['small'])
  await wizard.answer('What is to be brought back?', enter)
  await wizard.answer('As it was when?', down, enter)
  await wizard.answer('What of it?', enter)
  await wizard.answer('Where to?', ctrlC)
  expect(await wizard.ended()).toBe(130)
}, 120_000)

test('single files: what is left of them, and which are lost', async () => {
  const out = join(dray.home, 'out')
  await using wizard = openWizard()
  await wizard.answer('What is to be brought back?', enter)
  await wizard.answer('As it was when?', enter)
  await wizard.answer('What of it?', down, down, down, enter)
  await wizard.answer('Files of which?', down, enter)
  await wizard.answer('everything in it', enter)
  await wizard.answer('done: take 1 marked one', enter)
  await wizard.answer('Where to?', enter)
  await wizard.answer('Which folder?', ...Array.from(out), enter)
  await wizard.answer('Take them out?', enter)
  await wizard.answer(/everything is as it was before\. What now\?[^]*choose another backup/, enter)
  expect(existsSync(out)).toBe(false)
  expect(await wizard.shows('Take them out?')).toMatch(/in a script:\n[^]*--skip-damaged/)
  wizard.press(enter)
  expect(await wizard.ended()).toBe(3)
  expect(wizard.text).toContain('lost: "./big": its data')
  expect(readdirSync(out)).toEqual(['small'])
}, 60_000)
