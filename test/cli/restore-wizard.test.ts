import '../one-realm.ts'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { initRepository, openRepository } from '../../src/store/repository.ts'
import { keys, Terminal } from '../lab/terminal.ts'
import { backUpFolders } from '../trees/stored-folder.ts'
import { backUpTree, layerOf, makeTree } from '../unit/integrity/tree-backup.ts'
import { scratch, type Scratch } from '../unit/store/scratch.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
let at: Scratch

beforeAll(async () => {
  at = await scratch()
  await using repository = await at.open()
  await backUpTree(repository, await makeTree(), layerOf('one'), { id: 'night-1', created: '2026-01-01T00:00:00.000Z' })
  await backUpTree(repository, await makeTree(), layerOf('two'), { id: 'night-2', created: '2026-01-02T00:00:00.000Z', tags: ['nightly', 'kept', 'before the upgrade of everything'], lacks: ['the volume "data", which could not be read'] })
})
afterAll(async () => {
  await at[Symbol.asyncDispose]()
})

const open = (options: string, env: NodeJS.ProcessEnv = {}, columns = 80): Terminal => Terminal.open(`${process.execPath} ${dray} restore ${options}`, { columns, env: { PATH: process.env['PATH'], HOME: at.folder, XDG_STATE_HOME: at.folder, DRAY_REPO: at.path, ...env } })

test.each([['', { TERM: 'dumb' }], ['--json', {}], ['-y', {}]])('where nobody can or wants to be asked, "restore %s" wants a backup', async (options, env) => {
  await using terminal = open(options, env)
  expect(await terminal.ended()).toBe(2)
  expect(terminal.text).toContain('name a backup')
})

test('in a locale that is not one of UTF-8 there is nothing but ASCII on the terminal', async () => {
  await using terminal = open('', { LC_ALL: 'C', NO_COLOR: '1' })
  await terminal.answer(/\n> container web[^]*up\/down navigate - enter select - esc back - ctrl-c leave/, keys.enter)
  await terminal.answer('As it was when?', keys.enter)
  await terminal.answer('What of it?', keys.down, keys.enter)
  await terminal.shows('[ ]')
  expect(terminal.raw).toMatch(/^[\0-\x7f]*$/)
  terminal.press(keys.ctrlC)
  expect(await terminal.ended()).toBe(130)
}, 30_000)

test.each([40, 60])('no line is broken within a word at %i columns', async columns => {
  await using terminal = open('', {}, columns)
  const words = new Set<string>()
  const read = (): void => terminal.screen.split(/\s+/).forEach(word => words.add(word))
  await terminal.answer('What is to be brought back?', keys.enter)
  await terminal.answer('As it was when?', keys.enter)
  for (let choice = 0; choice < 3; choice++) {
    await terminal.shows(/What of it\?[^]*ctrl-c leave/)
    read()
    terminal.press(keys.down)
  }
  await terminal.shows('looked for in a tree')
  read()
  for (const word of ['everything:', 'networks,', 'volumes', 'container', 'brought', 'leave']) expect([...words]).toContain(word)
  const whole = 'What is to be brought back? (type to search) container web As it was when? What of it? everything: image, settings, networks, data everything but the data of some volumes or paths only the data of volumes or paths single files or folders those are left as they are there now no container is made or touched looked for in a tree ↑↓ navigate · ⏎ select · esc back · ctrl-c leave ✔ ❯'.split(/\s+/)
  expect([...words].filter(word => /^\w+[,:?]?$/.test(word) && !whole.includes(word) && !/\d/.test(word))).toEqual([])
  terminal.press(keys.ctrlC)
  expect(await terminal.ended()).toBe(130)
}, 30_000)

test('of several repositories one without a backup leads to the question again, and so does Escape', async () => {
  const empty = join(at.folder, 'empty')
  await initRepository(empty)
  mkdirSync(join(at.folder, 'drayage'), { recursive: true })
  writeFileSync(join(at.folder, 'drayage/repositories'), `${empty}\n${at.path}\n`)
  await using terminal = open('', { DRAY_REPO: '' })
  await terminal.answer('Where are the backups?', keys.enter)
  await terminal.answer(/there is no backup of a container in[^]*Where are the backups\?/, keys.down, keys.enter)
  await terminal.answer('What is to be brought back?', keys.escape)
  await terminal.answer('Where are the backups?', keys.escape)
  expect(await terminal.ended()).toBe(130)
  await using given = open('', { DRAY_REPO: empty })
  expect(await given.ended()).toBe(11)
  expect(given.text).toMatch(/there is no backup of a container in[^]*hint: name another repository with --repo/)
}, 30_000)

test('what looks like a pattern and what cannot be printed is found in the tree, and taken out as it is', async () => {
  const folder = join(at.folder, 'tree')
  mkdirSync(folder)
  const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x6f, 0xff, 0x0a, 0x5c])])
  writeFileSync(join(folder, '[ab]*'), 'pattern')
  writeFileSync(join(folder, 'a'), 'not this one')
  writeFileSync(odd, 'odd')
  const repo = join(at.folder, 'odd-repo')
  {
    await using repository = await openRepository(repo, { create: true })
    await backUpFolders(repository, [{ folder, id: 'm1', source: 'data', destination: '/data' }], { id: 'odd-1' })
  }
  await using terminal = open('', { DRAY_REPO: repo, DOCKER_HOST: `unix://${at.folder}/none.sock` })
  await terminal.answer('What is to be brought back?', keys.enter)
  await terminal.answer('As it was when?', keys.enter)
  await terminal.answer('What of it?', keys.down, keys.down, keys.down, keys.enter)
  await terminal.answer('everything in it', ...Array.from('[ab'))
  await terminal.answer(/\[ab\n❯ \[ \] \[ab\]\*/, keys.enter)
  await terminal.answer('done: take 1 marked one', ...Array.from('xff'))
  await terminal.answer(/xff\n❯ \[ \] o/, keys.enter)
  await terminal.answer('done: take 2 marked ones', keys.enter)
  await terminal.answer('Where to?', keys.enter)
  await terminal.answer('Which folder?', ...Array.from(join(at.folder, 'out')), keys.enter)
  await terminal.answer('Take them out?', keys.enter)
  expect(await terminal.ended()).toBe(0)
  expect(readdirSync(join(at.folder, 'out'), { encoding: 'buffer' }).sort((a, b) => a.compare(b))).toEqual([Buffer.from('[ab]*'), odd.subarray(folder.length + 1)])
}, 30_000)

test('an engine that is not there is said, and another one can be chosen; one that does not answer can be left', async () => {
  const sockets = new Set<Socket>()
  const silent = createServer(socket => sockets.add(socket)).listen(join(at.folder, 'silent.sock'))
  await using terminal = open('', { DOCKER_HOST: `unix://${at.folder}/none.sock` })
  await terminal.answer('What is to be brought back?', keys.enter)
  await terminal.answer('As it was when?', keys.enter)
  await terminal.answer('What of it?', keys.enter)
  await terminal.answer('Where to?', keys.enter)
  await terminal.answer(/cannot connect to the engine[^]*❯ try again/, keys.enter)
  await terminal.answer(/cannot connect to the engine[^]*❯ try again/, keys.escape)
  await terminal.answer('Where to?', keys.down, keys.down, keys.enter)
  await terminal.answer('Which engine?', ...Array.from(`unix://${at.folder}/silent.sock`), keys.enter)
  await terminal.answer(/waiting for[^]*silent\.sock/, keys.ctrlC)
  expect(await terminal.ended()).toBe(130)
  for (const socket of sockets) socket.destroy()
  silent.close()
}, 30_000)

test('a repository that is not there is said at once', async () => {
  await using terminal = open('-r /nowhere/repo')
  expect(await terminal.ended()).toBe(11)
})

test.each([['Escape at the first question', keys.escape], ['Ctrl-C', keys.ctrlC], ['Ctrl-D', keys.ctrlD]])('%s leaves', async (_name, key) => {
  await using terminal = open('')
  await terminal.answer('What is to be brought back?', key)
  expect(await terminal.ended()).toBe(130)
  expect(terminal.text).toContain('dray: error: nothing was changed')
})

test.each([60, 80, 200])('backups with marks and what they lack fit %i columns, and the newest complete one is the default', async columns => {
  await using terminal = open('', {}, columns)
  await terminal.answer('2 backups, the newest', ...Array.from('no such thing'))
  await terminal.shows('No results found')
  Array.from('no such thing').forEach(() => terminal.press('\u007f'))
  await terminal.answer(/search\) ?\n❯ container web +2 backups, the newest/, keys.enter)
  const shown = await terminal.shows('backup night-1')
  const lines = shown.slice(shown.indexOf('As it was when?')).split('\n')
  expect(lines.filter(line => /^. +?2026/.test(line)).map(line => line.length <= columns)).toEqual([true, true])
  expect(lines.find(line => line.startsWith('❯'))).toMatch(/2026-01-01/)
  expect(lines.join('\n')).toMatch(/STATE[^]*lacks/)
  terminal.press(keys.ctrlC)
  expect(await terminal.ended()).toBe(130)
}, 30_000)
