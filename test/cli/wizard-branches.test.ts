import '../one-realm.ts'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readBackup, readMount } from '../../src/store/backup-graph.ts'
import type { BackupSummary } from '../../src/store/backup-summary.ts'
import { hexOf } from '../../src/store/digest.ts'
import type { Digest } from '../../src/store/oci.ts'
import { openRepository, type LocalRepository } from '../../src/store/repository.ts'
import { seesFixtures } from '../lab/screen-fixture.ts'
import { keys, Terminal } from '../lab/terminal.ts'
import { backUpFolders } from '../trees/stored-folder.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
const { enter, escape, down, ctrlC, space } = keys
let folder: string
const at = (name: string): string => join(folder, name)

/** A volume of 600 files and a folder; what is not there is nowhere. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dray-w-'))
  mkdirSync(at('tree/conf'), { recursive: true })
  for (let file = 1; file <= 600; file++) writeFileSync(at(`tree/file-${String(file).padStart(3, '0')}`), 'x')
  writeFileSync(at('tree/conf/app.conf'), 'x')
})
afterAll(() => rmSync(folder, { recursive: true }))

type Make = (repository: LocalRepository) => Promise<unknown>

async function repositoryOf(name: string, make: Make): Promise<string> {
  await using repository = await openRepository(at(name), { create: true })
  await make(repository)
  return at(name)
}

const data = { id: 'm1', source: 'data', destination: '/data' }
const created = new Date(Date.now() - 120_000).toISOString()
const one = (repository: LocalRepository): Promise<BackupSummary> => backUpFolders(repository, [{ ...data, folder: at('tree') }], { id: 'night-1', created })
const lose = (repo: string, digest: Digest): void => rmSync(join(repo, 'blobs/sha256', hexOf(digest)))

function openAt(repo: string, [columns, rows]: readonly [number, number]): Terminal {
  return Terminal.open(`${process.execPath} ${dray} restore`, { columns, rows, env: { PATH: process.env['PATH'], HOME: folder, XDG_STATE_HOME: at(`state-${columns}`), XDG_DATA_HOME: at('none'), XDG_CACHE_HOME: at('cache'), DRAY_REPO: repo, DOCKER_HOST: `unix://${folder}/none.sock`, NO_COLOR: '1', TZ: 'UTC' } })
}

describe.each([[80, 24], [200, 50]])('at %i×%i', (columns, rows) => {
  const open = (repo: string): Terminal => openAt(repo, [columns, rows])
  const seeing = (wizard: Terminal) => seesFixtures(wizard, `${columns}x${rows}`, folder.slice(-6))
  const left = async (wizard: Terminal): Promise<void> => {
    wizard.press(ctrlC)
    expect(await wizard.ended()).toBe(130)
  }

  test('the first time: no repository is known, and what is none is said and not remembered', async () => {
    const repo = await repositoryOf(`first-${columns}`, one)
    mkdirSync(at('broken/drayage'), { recursive: true })
    writeFileSync(at('broken/drayage/config.json'), 'not json')
    await using wizard = open('')
    const see = seeing(wizard)
    const clear = (typed: string): string[] => Array.from(typed, () => '\u007f')
    await see('40-no-repository-known', 'oci://HOST/NAME)', enter)
    await see('41-name-one', 'name one', ...Array.from('/nowhere'), enter)
    await see('42-no-such-repository', 'there is no repository', ...clear('/nowhere'), ...Array.from(at('broken')), enter)
    await wizard.answer(/config\.json[^]*HOST\/NAME\)/, ...Array.from('oci://registry.example/UPPER'), enter)
    await see('43-no-registry', /UPPER[^]*HOST\/NAME\)/, ...Array.from(repo), enter)
    await wizard.answer('What is to be brought back?', escape)
    await wizard.answer('Where are the backups?', escape)
    expect(await wizard.ended()).toBe(130)
    expect(readFileSync(at(`state-${columns}/drayage/repositories`), 'utf8')).toBe(`${repo}\n`)
    await using again = open('')
    await again.shows('What is to be brought back?')
    await left(again)
    await using registry = open('oci://127.0.0.1:1/nothing')
    await registry.shows('waiting for oci://127.0.0.1:1/nothing')
    await left(registry)
    expect(readFileSync(at(`state-${columns}/drayage/repositories`), 'utf8')).toBe(`${repo}\n`)
  }, 60_000)

  test('several hosts, a project, and no other name for several containers', async () => {
    const repo = await repositoryOf(`hosts-${columns}`, async repository => {
      await one(repository)
      const spec = (name: string): object => ({ format: 1, inspect: { Name: `/${name}` }, images: [], leftOut: [], mounts: [{ id: 'm1', destinations: ['/data'] }] })
      await backUpFolders(repository, [{ ...data, folder: at('tree') }], { id: 'night-2', created: new Date().toISOString(), host: 'there', engine: 'OTHER', project: 'shop', containers: ['db', 'front'].map(name => ({ name, spec: spec(name) as never })) })
    })
    await using wizard = open(repo)
    const see = seeing(wizard)
    await see('44-several-hosts', 'What is to be brought back?', ...Array.from('project'))
    await wizard.answer(/search\) project\n[^]*❯ project shop/, enter)
    await wizard.answer('As it was when?', enter)
    await wizard.answer('What of it?', enter)
    await see('45-where-to-put-a-project', 'Where to?', down, enter)
    await wizard.answer('Which engine?', enter)
    await see('46-name-an-engine', 'name one', escape)
    await wizard.shows('Where to?')
    await left(wizard)
  }, 60_000)

  test('a backup without data; a name that cannot be one', async () => {
    const repo = await repositoryOf(`none-${columns}`, repository => backUpFolders(repository, [], { id: 'night-1', created }))
    await using wizard = open(repo)
    const see = seeing(wizard)
    await wizard.answer('What is to be brought back?', enter)
    await wizard.answer('As it was when?', enter)
    await wizard.answer('What of it?', down, enter)
    await see('47-no-data', /this backup holds no data[^]*What of it\?/, down, down, down, enter)
    await wizard.answer(/this backup holds no data[^]*What of it\?/, down, down, enter)
    await wizard.answer(/this backup holds no data[^]*What of it\?/, enter)
    await wizard.answer('Where to?', down, enter)
    await wizard.answer('Name of the container?', '!', enter)
    await see('48-no-such-name', 'letters, digits', escape)
    await wizard.shows('Where to?')
    await left(wizard)
  }, 60_000)

  test('one volume: nothing is asked about which; marks in a large folder; no to the last question', async () => {
    const repo = await repositoryOf(`one-${columns}`, one)
    await using wizard = open(repo)
    const see = seeing(wizard)
    await wizard.answer('What is to be brought back?', enter)
    await wizard.answer('As it was when?', enter)
    await wizard.answer('What of it?', down, enter)
    await wizard.answer('Which are left as they are?', enter)
    await see('49-none-chosen', /at least one/i, space, enter)
    await wizard.answer('Where to?', escape)
    await wizard.answer('What of it?', down, down, enter)
    await wizard.answer('Where to?', escape)
    await wizard.answer('What of it?', down, down, down, enter)
    await wizard.answer('everything in it', ...Array.from('file-'))
    await wizard.answer(/file-\n❯ \[ \] file-001/, enter)
    await wizard.answer('done: take 1 marked one', down, enter)
    await see('50-everything-marked', 'done: take 2 marked ones', down, enter)
    await wizard.answer('done: take 1 marked one', ...Array.from('file-001'))
    await wizard.answer(/file-001\n❯ \[x\] file-001/, enter)
    await wizard.answer(/\n❯ \[ \] everything in it/, ...Array<string>(501).fill(down))
    await wizard.answer(/❯ … and 101 more: type a part of the name/, enter)
    await wizard.answer(/\n❯ \[ \] everything in it/, enter)
    await wizard.answer('done: take 1 marked one', enter)
    await see('51-files-to-a-folder-alone', 'Where to?', enter)
    await wizard.answer('Which folder?', '-', enter)
    await see('52-no-such-folder', 'name one', escape)
    await wizard.answer('Where to?', enter)
    await wizard.answer('Which folder?', enter)
    await wizard.answer('Take them out?', 'n', enter)
    expect(await wizard.ended()).toBe(0)
    expect(wizard.text).toMatch(/nothing was changed\n$/)
    expect(wizard.text).not.toContain('error')
  }, 60_000)

  describe('what is damaged', () => {
    const documents = async (repository: LocalRepository, { descriptor }: BackupSummary) => {
      const { containers, mounts } = await readBackup(repository.blobs, descriptor)
      return { index: descriptor.digest, spec: containers[0]!.manifest.digest, list: mounts[0]!.parts[0]!.digest, names: (await readMount(repository.blobs, mounts[0]!)).content.toc.chunks[0]!.digest }
    }
    const losing = (what: keyof Awaited<ReturnType<typeof documents>>): Promise<string> => repositoryOf(`lost-${what}-${columns}`, async repository => lose(repository.path, (await documents(repository, await one(repository)))[what]))
    const openAtDamage = async (repo: string): Promise<Terminal> => {
      const wizard = open(repo)
      await wizard.answer('What is to be brought back?', enter)
      await wizard.answer('As it was when?', enter)
      return wizard
    }

    test('the names of the files: the tree says so, and the rest can be had', async () => {
      await using wizard = await openAtDamage(await losing('names'))
      const see = seeing(wizard)
      await see('53-damaged', 'This backup is damaged. What now?', enter)
      await wizard.answer('What of it?', down, down, down, enter)
      await see('54-no-tree', /is\s+missing[^]*What of it\?/, enter)
      await wizard.answer('Where to?', enter)
      await see('55-no-engine', 'try again', escape)
      await wizard.shows('Where to?')
      await left(wizard)
    }, 60_000)

    test('a list of chunks: that volume is not among those that can be had', async () => {
      await using wizard = await openAtDamage(await losing('list'))
      await wizard.answer('This backup is damaged. What now?', enter)
      await wizard.answer('What of it?', down, down, enter)
      await wizard.shows(/this backup holds no data[^]*What of it\?/)
      await left(wizard)
    }, 60_000)

    test.each(['spec', 'index'] as const)('the %s: nothing is left to be restored, and another backup is the way', async what => {
      await using wizard = await openAtDamage(await losing(what))
      await seeing(wizard)(`56-nothing-left-${what}`, /What now\?\n❯ choose another backup/, enter)
      await wizard.shows('As it was when?')
      await left(wizard)
    }, 60_000)
  })
})

const toExtent = [['What is to be brought back?', enter], ['As it was when?', enter]] as const
const toFiles = [...toExtent, ['What of it?', down, down, down, enter]] as const
const toTarget = [...toFiles, ['everything in it', enter], ['done: take 1 marked one', enter]] as const
const toPlace = [...toExtent, ['What of it?', enter]] as const

describe('Ctrl-C leaves', () => {
  let repo: string
  beforeAll(async () => void (repo = await repositoryOf('ctrl-c', one)))

  test.each<[string, readonly (readonly [string, ...string[]])[]]>([
    ['Which are left as they are?', [...toExtent, ['What of it?', down, enter]]],
    ['everything in it', toFiles],
    ['into a folder of this machine', toTarget],
    ['Which folder?', [...toTarget, ['Where to?', enter]]],
    ['Take them out?', [...toTarget, ['Where to?', enter], ['Which folder?', enter]]],
    ['Name of the container?', [...toPlace, ['Where to?', down, enter]]],
    ['Which engine?', [...toPlace, ['Where to?', down, down, enter]]],
    ['try again', [...toPlace, ['Where to?', enter]]],
  ])('at "%s"', async (asked, answers) => {
    await using terminal = openAt(repo, [80, 24])
    for (const [question, ...typed] of answers) await terminal.answer(question, ...typed)
    await terminal.answer(asked, ctrlC)
    expect(await terminal.ended()).toBe(130)
    expect(terminal.text).toContain('dray: error: nothing was changed')
  }, 30_000)
})
