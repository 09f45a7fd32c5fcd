import '../../one-realm.ts'
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { commands } from '../../../src/cli/commands.ts'
import { parseLine } from '../../../src/cli/parser.ts'

const nameOf = ({ usage }: { readonly usage: string }): string => usage.split(' ')[0] ?? ''

test.each(commands.map(command => [nameOf(command), command] as const))('%s: its help has three worked examples at least, which are understood', async (name, { examples }) => {
  const parsed = await parseLine([name, '--help'])
  const help = 'help' in parsed ? parsed.help : ''
  expect(examples.length).toBeGreaterThanOrEqual(3)
  for (const [line, text] of examples) {
    expect(help.replace(/\s+/g, ' ')).toContain(text.replace(/\s+/g, ' '))
    const own = line.slice(Math.max(line.lastIndexOf(`dray ${name}`), line.indexOf('dray -'))).replace(/ [|>&].*| #.*|\)$/, '')
    const words = [...own.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => single ?? double ?? plain ?? '').slice(1)
    const understood = await parseLine(words)
    expect('command' in understood && nameOf(understood.command)).toBe(name)
  }
})

test('every error of the program says what to do next, or what was wrong with each thing', () => {
  const folder = new URL('../../../../src/', import.meta.url)
  const without = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => /^(?:cli|ui)\/.*\.ts$/.test(file)).flatMap(file => {
    const text = readFileSync(new URL(file, folder), 'utf8')
    return [...text.matchAll(/new DrayError\('(usage|not-found|conflict)', (?:`(?:[^`\\]|\\.)*`|'[^']*')\)/g)].map(([found]) => `${file}: ${found}`)
  })
  expect(without).toEqual([])
})
