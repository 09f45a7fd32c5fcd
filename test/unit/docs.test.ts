import '../one-realm.ts'
import { access, readdir, readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { commands } from '../../src/cli/commands.ts'
import { parseLine } from '../../src/cli/parser.ts'

const root = new URL('../../../', import.meta.url)
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...(await readdir(new URL('docs/', root))).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]
const read = (name: string) => readFile(new URL(name, root), 'utf8')
const optionsIn = (text: string) => new Set([...text.matchAll(/(?<![\w-])--?[a-z][a-z-]*/gi)].map(([option]) => option))

async function helpOf(...line: string[]): Promise<string> {
  const parsed = await parseLine([...line, '--help'])
  return 'help' in parsed ? parsed.help : ''
}

/** The options that a help text lists, each at the beginning of a line. */
function listedIn(help: string): Set<string> {
  return new Set([...help.matchAll(/^ {2,}(?:(-[a-zA-Z]), )?(--[a-z-]+)/gm)].flatMap(([, short, long]) => [short, long].filter(option => option !== undefined)))
}

describe('docs/commands.md', () => {
  let text: string
  let everywhere: string
  beforeAll(async () => {
    text = await read('docs/commands.md')
    everywhere = sectionOf('Options of every command')
  })
  const sectionOf = (title: string): string => text.split(/^## /m).find(section => section.startsWith(`${title}\n`)) ?? ''

  test('names every command, and none that is not there', () => {
    const inTable = [...text.matchAll(/^\| \[`([a-z-]+)`\]/gm)].map(([, name]) => name)
    expect(inTable.sort()).toEqual(commands.map(({ usage }) => usage.split(' ')[0]).sort())
  })

  test('names every option of all commands', async () => {
    expect([...optionsIn(everywhere)]).toEqual(expect.arrayContaining([...listedIn(await helpOf())]))
  })

  for (const { usage } of commands) {
    const name = usage.split(' ')[0] ?? ''
    test(`names every option of ${name}, and none that is not there`, async () => {
      const listed = listedIn(await helpOf(name))
      expect(listed.size).toBeGreaterThan(5)
      const named = new Set([...optionsIn(sectionOf(name)), ...optionsIn(everywhere)])
      expect([...named]).toEqual(expect.arrayContaining([...listed]))
      const inTable = [...sectionOf(name).matchAll(/^\| `([^|]*?)` \|/gm)].flatMap(([, cell]) => [...optionsIn((cell ?? '').replaceAll('`', ''))])
      expect([...listed]).toEqual(expect.arrayContaining(inTable))
    })
  }
})

describe.each(documents)('%s', name => {
  test('links to files that are there', async () => {
    const links = [...(await read(name)).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => new URL(link ?? '', new URL(name, root)))
    await expect(Promise.all(links.map(link => access(link)))).resolves.toBeDefined()
  })

  test('names no path of the machine that it was written on', async () => {
    expect(await read(name)).not.toMatch(/(?<!\w)\/(?:work|tmp|home|root)\//)
  })
})
