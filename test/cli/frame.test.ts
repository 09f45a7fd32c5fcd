import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { commands } from '../../src/cli/commands.ts'
import { readVersion } from '../../src/cli/version.ts'
import { run, type CommandResult } from '../lab/command.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'dray-cli-'))
})

afterAll(async () => {
  await rm(home, { recursive: true })
})

const cli = (args: readonly string[], env: Record<string, string> = {}): Promise<CommandResult> => run(process.execPath, [dray, ...args], { env: { PATH: process.env['PATH'], HOME: home, ...env } })
const lastLine = ({ stdout }: CommandResult): unknown => JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
const repository = (): string => join(home, '.local/share/drayage/repo')

const firstSteps = 'back containers up: dray backup NAME…\ndray: hint: bring something back, step by step: dray restore\ndray: hint: all commands: dray --help'

describe('what is typed wrong is exit 2, on stderr, with the next step', () => {
  test.each<[string[], string, string]>([
    [[], 'name a command', firstSteps],
    [['--'], 'name a command', firstSteps],
    [['-r', '/srv'], 'name a command', firstSteps],
    [['lsit'], 'unknown command "lsit"', 'did you mean "list"?\ndray: hint: dray list --help'],
    [['-r', '/srv', 'restor'], 'unknown command "restor"', 'did you mean "restore"?\ndray: hint: dray restore --help'],
    [['lsit', '-r', 'list'], 'unknown command "lsit"', 'did you mean "list"?\ndray: hint: dray list --help'],
    [['foo'], 'unknown command "foo"', 'all commands: dray --help'],
    [['frobnicate'], 'unknown command "frobnicate"', 'all commands: dray --help'],
    [['help', 'lsit'], 'unknown command "lsit"', 'did you mean "list"?\ndray: hint: dray list --help'],
    [['--frobnicate'], 'unknown option "--frobnicate"', 'all commands: dray --help'],
    [['--verison'], 'unknown option "--verison"', 'did you mean "--version"?\ndray: hint: all commands: dray --help'],
    [['-x', '--host', 'a'], 'unknown option "-x"', 'all commands: dray --help'],
    [['version'], 'unknown command "version"', 'did you mean "--version"?\ndray: hint: all commands: dray --help'],
    [['list', 'extra'], 'unknown argument "extra"', 'usage: dray list\ndray: hint: dray list --help'],
    [['list', '--no-such'], 'unknown option "--no-such"', 'usage: dray list\ndray: hint: dray list --help'],
    [['list', '-x', '--no-such=1'], 'unknown option "-x", "--no-such"', 'usage: dray list\ndray: hint: dray list --help'],
    [['backup', 'web', '--consistancy', 'stop'], 'unknown option "--consistancy"', 'did you mean "--consistency"?\ndray: hint: usage: dray backup [container..]\ndray: hint: dray backup --help'],
    [['doctor', '-H'], '"host" needs a value', 'usage: dray doctor\ndray: hint: dray doctor --help'],
    [['doctor', '--host', ''], '"host" needs a value', 'usage: dray doctor\ndray: hint: dray doctor --help'],
    [['list', '--repo='], '"repo" needs a value', 'usage: dray list\ndray: hint: dray list --help'],
    [['list', '-r', '-q'], '"repo" needs a value', 'usage: dray list\ndray: hint: dray list --help'],
    [['list', '-r', 'a', '--repo', 'b'], '"repo" was given 2 times: "a", "b"', 'usage: dray list\ndray: hint: dray list --help'],
    [['clean', '--forget'], '"forget" needs a value', 'usage: dray clean\ndray: hint: dray clean --help'],
    [['backup', 'web', '--tag'], '"tag" needs a value', 'usage: dray backup [container..]\ndray: hint: dray backup --help'],
    [['backup', 'web', '--consistency', 'frozen'], '"consistency" cannot be "frozen", but one of "pause", "stop", "none"', 'usage: dray backup [container..]\ndray: hint: dray backup --help'],
    [['restore', 'latest', 'web', '--health-timeout', 'soon'], '"health-timeout" needs a number', 'usage: dray restore [backup] [container..]\ndray: hint: dray restore --help'],
    [['show'], '<backup> is missing', 'usage: dray show <backup> [container]\ndray: hint: dray show --help'],
    [['restore'], 'name a backup', 'dray list shows the backups\ndray: hint: the newest of a container: dray restore latest NAME\ndray: hint: all of the last run: dray restore --all\ndray: hint: what a plan says: dray restore --plan FILE\ndray: hint: on a terminal, without --json and --yes, dray restore asks for everything'],
    [['import'], '<file> is missing', 'usage: dray import <file>\ndray: hint: dray import --help'],
  ])('dray %j', async (args, message, hint) => {
    expect(await cli(args)).toEqual({ exitCode: 2, stdout: '', stderr: `dray: error: ${message}\ndray: hint: ${hint}\n` })
  })

  test('in English, whatever the user\'s language', async () => {
    expect((await cli(['list', '--no-such'], { LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8' })).stderr).toContain('unknown option "--no-such"')
  })

  test('with --json as events', async () => {
    const error = { code: 'usage', exitCode: 2, message: 'unknown option "--no-such"', hints: ['usage: dray list', 'dray list --help'] }
    const result = await cli(['list', '--no-such', '--json'])
    expect(result).toEqual({ exitCode: 2, stderr: `${JSON.stringify({ event: 'error', ...error })}\n`, stdout: `${JSON.stringify({ event: 'result', ok: false, exitCode: 2, error })}\n` })
  })
})

describe('help', () => {
  test.each([['help'], ['--help'], ['-h']])('dray %s names every command with its summary, on stdout', async word => {
    const { exitCode, stdout, stderr } = await cli([word])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const text = stdout.replace(/\s+/g, ' ')
    for (const { usage, summary } of commands) expect(text).toContain(`dray ${usage} ${summary}`)
  })

  test.each([[['help', 'ls']], [['ls', 'help', '-h']], [['-h', 'ls']]])('dray %j is that of the command', async line => {
    const { exitCode, stdout } = await cli(line)
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: (await cli(['ls', '--help'])).stdout })
  })

  test('has a command\'s own options before those of every command, with what they can be and are otherwise, and no types', async () => {
    const { stdout } = await cli(['volume', '--help'])
    const text = stdout.replace(/\s+/g, ' ')
    expect(text).toMatch(/ Options: .*--consistency .*\(pause or none; default: pause\).* Options of every command: -H, --host .* Examples: /)
    expect(text.match(/--help/g)).toHaveLength(1)
    expect(text).not.toMatch(/\[(?:string|boolean|array|number|default|choices)|\(default: (?:false|\[\])/)
  })

  test.each(commands.map(({ usage }) => usage.split(' ')[0] ?? ''))('dray %s --help has examples, each whole on a line, below what it does', async name => {
    const examples = commands.find(({ usage }) => usage.split(' ')[0] === name)?.examples ?? []
    const { exitCode, stdout } = await cli([name, '--help'])
    expect(exitCode).toBe(0)
    expect(examples.length).toBeGreaterThan(0)
    for (const [line, meaning] of examples) {
      expect(line).toContain(`dray ${name}`)
      expect(stdout).toContain(`  # ${meaning}\n  ${line}\n`)
    }
  })

  test('with --json it is the result event', async () => {
    const { exitCode, stdout, stderr } = await cli(['list', '--help', '--json'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ event: 'result', ok: true, exitCode: 0, help: expect.stringContaining('dray list') })
  })

  test('without a terminal its lines fit 110 columns', async () => {
    for (const { usage } of commands) {
      const { stdout } = await cli([usage.split(' ')[0] ?? '', '--help'])
      const long = stdout.split('\n').filter(line => line.length > 110)
      expect(long).toEqual([])
    }
  })

  test('the version is package.json\'s', async () => {
    expect(await cli(['--version'])).toEqual({ exitCode: 0, stdout: `${readVersion()}\n`, stderr: '' })
  })
})

describe('what fails', () => {
  test('is one error with hints on stderr, and its own exit code', async () => {
    expect(await cli(['list'])).toEqual({
      exitCode: 11, stdout: '', stderr: `dray: error: there is no repository in "${repository()}"\ndray: hint: dray backup makes one\ndray: hint: name another directory with --repo or DRAY_REPO\n`,
    })
  })

  test('is said with -q too', async () => {
    expect((await cli(['list', '-q'])).stderr).toContain('there is no repository')
  })

  test('with --json: the result is the last line of stdout, and holds the error', async () => {
    const result = await cli(['list', '--json'])
    expect(result.exitCode).toBe(11)
    expect(lastLine(result)).toMatchObject({ event: 'result', ok: false, exitCode: 11, error: { code: 'not-found', exitCode: 11 } })
    expect(JSON.parse(result.stderr)).toMatchObject({ event: 'error', code: 'not-found' })
  })

  test.each([
    ['no socket', 'unix:///nowhere/docker.sock', 10], ['nobody listens', 'tcp://127.0.0.1:1', 10], ['no address', 'gopher://old', 2], ['no such context', 'no-such-context', 11],
  ])('an engine that is not there (%s)', async (_what, address, exitCode) => {
    const result = await cli(['backup', 'web', '-H', address])
    expect(result).toMatchObject({ exitCode, stdout: '' })
    expect(result.stderr).toMatch(/^dray: error: [^\n]+\ndray: hint: /)
  })

  test('the address of --to is named as that', async () => {
    expect((await cli(['restore', 'latest', '--to', 'unix:///nowhere/docker.sock'])).stderr).toContain('(from --to)')
  })

  test('from a folder that was removed: no stack', async () => {
    const { exitCode, stderr } = await run('sh', ['-c', 'cd "$(mktemp -d)" && rmdir "$PWD" && exec "$0" "$1" list', process.execPath, dray])
    expect({ exitCode, stderr }).toEqual({ exitCode: 11, stderr: 'dray: error: the working directory was removed\ndray: hint: change to one that is there, for example with: cd\n' })
  })

  test('doctor lists every finding, and is 3 when one is bad', async () => {
    const { exitCode, stdout, stderr } = await cli(['doctor', '-H', 'unix:///nowhere/docker.sock'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' })
    expect(stdout).toBe(`BAD  engine: cannot connect to the engine at "unix:///nowhere/docker.sock" (from -H): the socket does not exist
     hint: is dockerd running? see: systemctl status docker, docker context ls
BAD  repository: there is no repository in "${repository()}"
     hint: dray backup makes one
     hint: name another directory with --repo or DRAY_REPO
ok   earlier runs: left nothing behind
`)
    const json = await cli(['doctor', '-H', 'unix:///nowhere/docker.sock', '--json'])
    expect(lastLine(json)).toMatchObject({ event: 'result', ok: false, exitCode: 3, checks: [{ subject: 'engine', ok: false }, { subject: 'repository', ok: false }, { subject: 'earlier runs', ok: true }] })
  })
})

describe('where things lie', () => {
  test('the repository is --repo, else DRAY_REPO, else below XDG_DATA_HOME', async () => {
    expect((await cli(['list', '-r', '/a'], { DRAY_REPO: '/b' })).stderr).toContain('in "/a"')
    expect((await cli(['list'], { DRAY_REPO: '/b', XDG_DATA_HOME: '/c' })).stderr).toContain('in "/b"')
    expect((await cli(['list'], { XDG_DATA_HOME: '/c' })).stderr).toContain('in "/c/drayage/repo"')
  })

  test('a command that only looks makes no folders', async () => {
    const empty = join(home, 'empty')
    await mkdir(empty)
    await cli(['doctor', '-H', 'unix:///nowhere'], { HOME: empty })
    await cli(['clean'], { HOME: empty })
    await cli(['list'], { HOME: empty })
    expect(await run('find', [empty, '-mindepth', '1'])).toMatchObject({ stdout: '' })
  })
})

test('a reader that closes our output early is no failure of ours', async () => {
  const { stdout, exitCode } = await run('bash', ['-o', 'pipefail', '-c', '"$NODE" "$DRAY" --help | head -1'], { env: { PATH: process.env['PATH'], HOME: home, NODE: process.execPath, DRAY: dray } })
  expect({ stdout, exitCode }).toEqual({ stdout: 'dray <command>: back up, restore and migrate Docker containers, whole\n', exitCode: 0 })
})
