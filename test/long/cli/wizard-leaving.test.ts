import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { at, docker, expectExit, inventory, type Dray } from '../../engine/cli/dray.ts'
import { useHost } from '../../engine/cli/use-host.ts'
import type { LabHost } from '../../lab/host.ts'
import { keys, Terminal } from '../../lab/terminal.ts'

const program = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))
const { enter, escape, ctrlC } = keys
let host: LabHost
let dray: Dray

useHost(both => void ({ host, dray } = both), async () => {
  await host.sh('docker run -d --name web.1-x_y --stop-signal KILL -p 18080:80 -v data:/data app:1 >/dev/null; docker exec web.1-x_y sh -c "echo stored > /data/file"')
  expectExit(await dray('backup', 'web.1-x_y'), 0)
})

/** The questions of a restore beside the one that runs, each answered with Enter, and where Escape leads from there. */
const questions: readonly (readonly [asked: string, before: string | undefined])[] = [
  ['What is to be brought back?', undefined],
  ['As it was when?', 'What is to be brought back?'],
  ['What of it?', 'As it was when?'],
  ['Where to?', 'What of it?'],
  ['there is a container "web.1-x_y" already', 'Where to?'],
  ['Name of the container?', 'there is a container "web.1-x_y" already'],
  ['port 18080/tcp is taken', 'there is a container "web.1-x_y" already'],
  ['volume "data" is there and not empty', 'port 18080/tcp is taken'],
  ['Name of the volume?', 'volume "data" is there and not empty'],
  ['Restore it?', 'volume "data" is there and not empty'],
]

async function openAt(count: number): Promise<Terminal> {
  const wizard = Terminal.open(`${process.execPath} ${program} restore`, { env: { PATH: process.env['PATH'], HOME: dray.home, XDG_STATE_HOME: dray.state, DRAY_REPO: dray.repository, DOCKER_HOST: at(host) } })
  for (const [asked] of questions.slice(0, count)) await wizard.answer(asked, enter)
  return wizard
}

test('Ctrl-C leaves at every question, with everything as it was', async () => {
  const before = await inventory(host)
  for (const [number, [asked]] of questions.entries()) {
    await using wizard = await openAt(number)
    await wizard.answer(asked, ctrlC)
    expect(await wizard.ended()).toBe(130)
    expect(wizard.text).toContain('dray: error: nothing was changed')
  }
  expect(await inventory(host)).toEqual(before)
}, 120_000)

test('Escape leads from every question to the one before it, and the same answers lead on', async () => {
  const before = await inventory(host)
  for (const [number, [asked, earlier]] of questions.entries()) {
    await using wizard = await openAt(number)
    await wizard.answer(asked, escape)
    if (earlier !== undefined) {
      await wizard.answer(earlier, enter)
      await wizard.answer(questions[questions.findIndex(([each]) => each === earlier) + 1]?.[0] ?? '', ctrlC)
    }
    expect(await wizard.ended()).toBe(130)
  }
  expect(await inventory(host)).toEqual(before)
}, 120_000)

test('a window that changes its size is written to as it is now', async () => {
  await using wizard = await openAt(2)
  await wizard.shows('What of it?')
  await wizard.resize({ columns: 50, rows: 20 })
  wizard.press(enter)
  await wizard.answer('Where to?', enter)
  const shown = await wizard.shows('ctrl-c leave')
  expect(Math.max(...shown.split('\n').map(line => line.length))).toBeLessThanOrEqual(50)
  wizard.press(ctrlC)
  expect(await wizard.ended()).toBe(130)
}, 60_000)

test('over ssh, in a locale without UTF-8: a container that is gone is back', async () => {
  await host.sh('docker rm -f web.1-x_y >/dev/null; docker volume rm data >/dev/null')
  const { ssh } = host
  const remote = `env LC_ALL=C HOME=${dray.home} XDG_STATE_HOME=${dray.state} DRAY_REPO=${dray.repository} DOCKER_HOST=${at(host)} ${process.execPath} ${program} restore`
  await using wizard = Terminal.open(`ssh -tt ${ssh.endpoint} '${remote}'`, { env: { ...ssh.env, HOME: dray.home } })
  for (const asked of ['What is to be brought back?', 'As it was when?', 'What of it?', 'Where to?', 'Restore it?']) await wizard.answer(asked, enter)
  expect(await wizard.ended()).toBe(0)
  expect(await docker(host, 'exec', 'web.1-x_y', 'cat', '/data/file')).toBe('stored')
}, 60_000)
