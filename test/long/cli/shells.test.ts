import '../../one-realm.ts'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { must } from '../../lab/command.ts'
import { ensurePackages } from '../../lab/packages.ts'
import { Terminal } from '../../lab/terminal.ts'
import { backUpTree, layerOf, makeTree } from '../../unit/integrity/tree-backup.ts'
import { scratch, type Scratch } from '../../unit/store/scratch.ts'

const dray = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))
const tab = '\t'
let at: Scratch
let env: NodeJS.ProcessEnv

/** zsh and fish as people have them, with the scripts that `dray completion` prints. */
beforeAll(async () => {
  await ensurePackages('zsh', 'fish')
  at = await scratch()
  await using repository = await at.open()
  await backUpTree(repository, await makeTree(), layerOf('one'), { id: '20260101-one', created: '2026-01-01T00:00:00.000Z', containers: [{ name: 'web', spec: {} }] })
  await mkdir(join(at.folder, 'bin'))
  await symlink(dray, join(at.folder, 'bin/dray'))
  env = { PATH: `${join(at.folder, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: at.folder, XDG_STATE_HOME: join(at.folder, 'state'), DRAY_REPO: at.path, DOCKER_HOST: `unix://${at.folder}/none.sock`, LANG: 'C.UTF-8' }
  for (const shell of ['zsh', 'fish']) await writeFile(join(at.folder, `completion.${shell}`), await must('dray', ['completion', shell], { env }))
  await writeFile(join(at.folder, 'with:colon.txt'), '')
}, 300_000)
afterAll(async () => {
  await at[Symbol.asyncDispose]()
})

test.each([
  ['dray res', ['restore']],
  ['dray restore --replay', ['--replay-dump']],
  ['dray restore --reader h', ['host', 'helper']],
  ['dray restore ', ['latest', '20260101-one']],
  ['dray restore latest ', ['web']],
  ['dray volume r', ['restore', 'rm']],
  ['dray verify with', ['with:colon.txt']],
])('fish: %s', async (line, expected) => {
  const stdout = await must('fish', ['--no-config', '-c', 'cd $HOME; source $HOME/completion.fish; complete -C "$argv[1]"', line], { env })
  expect(stdout.split('\n').filter(each => each !== '').map(each => each.split('\t')[0]).sort()).toEqual([...expected].sort())
}, 30_000)

/** What stands on the terminal of somebody who has typed that and pressed the tab key, when it shows what is expected, or after a while. */
async function zshAfter(typed: string, expected: string): Promise<string> {
  await using shell = Terminal.open('zsh -f -i', { env })
  const until = performance.now() + 20_000
  const shows = async (what: string): Promise<void> => {
    while (!`${shell.screen} `.includes(what) && performance.now() < until) await shell.output()
  }
  shell.press(`PS1='ready> '; cd $HOME; autoload -Uz compinit; compinit -u -D; source $HOME/completion.zsh; clear\r`)
  await shows('\nready> ')
  shell.press(typed)
  await shows(`ready> ${typed}`)
  shell.press(tab)
  await shows(expected)
  const screen = `${shell.screen} `
  shell.press('\u0015exec true\r')
  await shell.ended()
  return screen
}

test.each([
  ['dray res', 'ready> dray restore '],
  ['dray restore --replay', 'ready> dray restore --replay-dump '],
  ['dray restore latest w', 'ready> dray restore latest web '],
  ['dray ls 2026', 'ready> dray ls 20260101-one '],
  ['dray verify with', 'ready> dray verify with:colon.txt '],
  ['dray volume r', '\nrestore'],
])('zsh: %s', async (typed, expected) => {
  expect(await zshAfter(typed, expected)).toContain(expected)
}, 60_000)
