import '../one-realm.ts'
import { createHash } from 'node:crypto'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { must, run } from '../lab/command.ts'
import { backUpTree, layerOf, makeTree } from '../unit/integrity/tree-backup.ts'
import { scratch, type Scratch } from '../unit/store/scratch.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
let at: Scratch
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  at = await scratch()
  await using repository = await at.open()
  await backUpTree(repository, await makeTree(), layerOf('one'), { id: '20260101-one', created: '2026-01-01T00:00:00.000Z', containers: [{ name: 'web', spec: {} }] })
  await backUpTree(repository, await makeTree(), layerOf('two'), { id: '20260102-two', created: '2026-01-02T00:00:00.000Z', containers: [{ name: 'db', spec: {} }, { name: 'cache', spec: {} }] })
  const bin = join(at.folder, 'bin')
  await mkdir(bin)
  await symlink(dray, join(bin, 'dray'))
  const context = join(at.folder, 'docker/contexts/meta', createHash('sha256').update('backup-host').digest('hex'))
  await mkdir(context, { recursive: true })
  await writeFile(join(context, 'meta.json'), JSON.stringify({ Name: 'backup-host', Endpoints: { docker: { Host: 'ssh://backup' } } }))
  env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: at.folder, DOCKER_CONFIG: join(at.folder, 'docker'), DRAY_REPO: at.path, DOCKER_HOST: `unix://${at.folder}/none.sock` }
  await writeFile(join(at.folder, 'completion'), await must('dray', ['completion', 'bash'], { env }))
})
afterAll(async () => {
  await at[Symbol.asyncDispose]()
})

/** As bash calls it for a line that ends where it is to be completed. */
async function complete(...words: string[]): Promise<string[]> {
  const script = 'source "$HOME/completion"; complete -p dray > /dev/null || exit 9; COMP_WORDS=(dray "$@"); COMP_CWORD=$#; _dray; printf "%s\\n" "${COMPREPLY[@]}"'
  const stdout = await must('bash', ['-c', script, 'bash', ...words], { env })
  return stdout.split('\n').filter(line => line !== '')
}

test.each([
  [['res'], ['restore']],
  [['--he'], ['--help']],
  [['restore', '--replay'], ['--replay-dump']],
  [['restore', '--reader', ''], ['auto', 'host', 'helper', 'api']],
  [['restore', '--reader', '=', 'h'], ['host', 'helper']],
  [['restore', '--reader=h'], ['--reader=host', '--reader=helper']],
  [['restore', ''], ['latest', '20260102-two', '20260101-one']],
  [['restore', '--dry-run', '--name', 'x', '2026010'], ['20260102-two', '20260101-one']],
  [['restore', 'latest', ''], ['cache', 'db', 'web']],
  [['restore', '20260102', ''], ['cache', 'db']],
  [['restore', '20260102', 'db', ''], ['cache']],
  [['-r', '/nowhere', 'restore', ''], []],
  [['ls', '20260101'], ['20260101-one']],
  [['list', '--container', 'w'], ['web']],
  [['-H', ''], ['default', 'backup-host']],
  [['restore', 'latest', '--to', 'b'], ['backup-host']],
  [['volume', 'r'], ['restore', 'rm']],
  [['completion', ''], ['bash', 'zsh', 'fish']],
  [['backup', ''], []],
  [['nothing', ''], []],
])('dray %j', async (words, expected) => {
  expect(await complete(...words)).toEqual(expected)
})

test('all commands, and no word that is not for people', async () => {
  const all = await complete('')
  expect(all).toEqual(expect.arrayContaining(['backup', 'restore', 'migrate', 'completion']))
  expect(all).not.toContain('__complete')
})

test('the shell is that of $SHELL unless it is named', async () => {
  const scripts = await Promise.all([['completion', 'fish'], ['completion']].map(args => run(process.execPath, [dray, ...args], { env: { ...env, SHELL: '/usr/bin/fish' } })))
  expect(scripts[0]?.stdout).toContain('complete -c dray')
  expect(scripts[1]).toEqual(scripts[0])
})
