import '../one-realm.ts'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { run } from '../lab/command.ts'

const program = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'dray-schedule-'))
})
afterEach(async () => rm(home, { recursive: true }))

const drayIn = (env: NodeJS.ProcessEnv, ...args: string[]) => run(process.execPath, [program, 'schedule', ...args], { env: { PATH: process.env['PATH'], HOME: home, XDG_CONFIG_HOME: home, ...env } })
const dray = (...args: string[]) => drayIn({}, ...args)
const units = () => join(home, 'systemd/user')

async function configure(text: string): Promise<string> {
  const path = join(home, 'config.yaml')
  await writeFile(path, text)
  return path
}

describe('dray schedule', () => {
  test('installs a job for a user, lists it, and takes it away', async () => {
    const config = await configure('jobs:\n  nightly: { all: true, at: "Sat,Sun 02:30", random-delay: 15min }\n  other: { all: true }\n')
    const installed = await dray('install', 'nightly', '--user', '--config', config)
    expect(installed.exitCode).toBe(0)
    expect((await readdir(units())).sort()).toEqual(['dray-nightly.service', 'dray-nightly.timer'])
    expect(installed.stdout).toBe(`${units()}/dray-nightly.service\n${units()}/dray-nightly.timer\n`)
    expect(installed.stderr).toContain(`"dray backup --job nightly --config ${config} -q" runs Sat, Sun at 02:30, up to 15 min later`)
    const timer = await readFile(join(units(), 'dray-nightly.timer'), 'utf8')
    expect(timer).toContain('OnCalendar=Sat,Sun *-*-* 02:30:00\nRandomizedDelaySec=900\nPersistent=true\n')
    expect(await readFile(join(units(), 'dray-nightly.service'), 'utf8')).toContain(`\nExecStart=${process.execPath} ${program} backup --job nightly --config ${config} -q\n`)
    const listed = await dray('list', '--user', '--config', config, '--json')
    expect(JSON.parse(listed.stdout)).toMatchObject({ schedules: [{ name: 'nightly', at: 'Sat, Sun at 02:30', installed: true }, { name: 'other', installed: false }] })
    expect((await dray('remove', 'nightly', '--user')).exitCode).toBe(0)
    expect(await readdir(units())).toEqual([])
    expect(await dray('remove', 'nightly', '--user')).toMatchObject({ exitCode: 11, stderr: expect.stringContaining('nothing named "nightly" is scheduled') })
  })

  test('replaces or removes nothing that it did not make', async () => {
    expect((await dray('install', 'own', '--user', '--at', 'daily', '--', 'backup', '--image', 'app')).exitCode).toBe(0)
    await writeFile(join(units(), 'dray-own.service'), '[Unit]\n')
    expect(await dray('install', 'own', '--user', '--at', 'daily', '--', 'backup', '--image', 'app')).toMatchObject({ exitCode: 12, stderr: expect.stringContaining('was not made by dray') })
    expect((await dray('remove', 'own', '--user')).exitCode).toBe(0)
    expect(await readdir(units())).toEqual(['dray-own.service'])
  })

  test('shows what cron gets, with what is special to it quoted', async () => {
    const { exitCode, stdout } = await dray('show', 'check', '--cron', '--at', 'weekly', '--random-delay', '10min', '--', 'verify', '--sample', '5%', '-r', "/srv/it's here")
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`\n0 3 * * 0 root sleep $(shuf -n 1 -i 0-600); ${process.execPath} ${program} verify --sample 5\\% -r '/srv/it'\\''s here' -q\n`)
    expect(stdout).toContain('\n@reboot root ')
  })

  test('passes on where secrets lie, and says of those that only this shell has that they would be missing', async () => {
    const config = await configure('notify: { ping: "https://hc/${KEY}" } # ${COMMENT}\njobs:\n  nightly: { all: true, at: daily }\n')
    await writeFile(join(home, 'key'), 'geheim\n')
    const fromFile = await drayIn({ KEY_FILE: join(home, 'key'), DRAY_WEBHOOK_FILE: '/run/hook', DRAY_METRICS: '/m.prom', COMMENT: 'x' }, 'show', 'nightly', '--config', config)
    expect(fromFile).toMatchObject({ exitCode: 0, stderr: '' })
    for (const line of [`KEY_FILE=${home}/key`, 'DRAY_WEBHOOK_FILE=/run/hook', 'DRAY_METRICS=/m.prom']) expect(fromFile.stdout).toContain(`\nEnvironment=${line}\n`)
    const fromShell = await drayIn({ KEY: 'geheim' }, 'install', 'nightly', '--user', '--config', config)
    expect(fromShell).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('warning: KEY is set in this shell and not where "nightly" will run: write it into a file, and install again with KEY_FILE=/path/of/the/file') })
    expect(await readFile(join(units(), 'dray-nightly.service'), 'utf8')).not.toContain('geheim')
  })

  test('starts no run before docker does, also one that is made up for at boot', async () => {
    const { stdout } = await dray('show', 'check', '--at', 'weekly', '--', 'backup', '--all')
    expect(stdout.match(/^After=.*$/gm)).toEqual(['After=docker.service network-online.target', 'After=docker.service network-online.target'])
  })

  test.each([
    [['install', 'x', '--user', '--at', '3', '--', 'prune'], 2, '"3" is not a time that a schedule can have'],
    [['install', 'x', '--user', '--', 'prune'], 2, 'when is "x" to run?'],
    [['install', 'x', '--user', '--at', 'daily', '--', 'prun'], 2, 'did you mean "prune"?'],
    [['install', 'x', '--user', '--at', 'daily'], 11, 'there is no configuration, so no job "x"'],
    [['install', '--user'], 2, 'say what to install'],
    [['install', '../x', '--user', '--at', 'daily', '--', 'prune'], 2, 'cannot be the name of a schedule'],
  ])('%j: %d', async (args, exitCode, message) => {
    expect(await dray(...args)).toMatchObject({ exitCode, stderr: expect.stringContaining(message) })
    expect(await readdir(home)).toEqual([])
  })
})
