import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'

const root = new URL('../../../', import.meta.url).pathname
const levels: Record<string, number> = { errors: 0, files: 0, pipeline: 1, engine: 1, archive: 1, registry: 1, store: 2, mounts: 2, integrity: 3, workflows: 4, ui: 5, cli: 5 }
/** files/ translates its failures through errors/; what a command prints is made by ui/. */
const allowedBeside = new Set(['files>errors', 'cli>ui'])
const homes: Record<string, string> = { yaml: 'files', zod: 'cli', dockerode: 'engine', 'docker-modem': 'engine', 'tar-stream': 'archive', 'node:zlib': 'archive', '@toondepauw/node-zstd': 'archive', ora: 'ui', inquirer: 'ui', yargs: 'cli' }

const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))

function importsOf(file: string): { specifier: string; typeOnly: boolean }[] {
  const text = readFileSync(`${root}src/${file}`, 'utf8')
  return [...text.matchAll(/(import|export)\s+(type\s)?[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)/g)].map(match => ({ specifier: match[3] ?? match[4] ?? '', typeOnly: match[2] !== undefined }))
}

describe('folders are levels', () => {
  test('every folder has a level', () => {
    for (const file of sources) expect(Object.keys(levels)).toContain(file.split('/')[0])
  })

  test.each(sources)('src/%s imports downwards only', file => {
    const own = file.split('/')[0] ?? ''
    for (const { specifier } of importsOf(file)) {
      if (!specifier.startsWith('.')) {
        const home = homes[specifier]
        if (home !== undefined) expect(`${specifier} in ${own}`).toBe(`${specifier} in ${home}`)
        continue
      }
      const other = new URL(specifier, `file:///${file}`).pathname.split('/')[1] ?? ''
      if (other === own || allowedBeside.has(`${own}>${other}`)) continue
      expect({ from: own, to: other, down: (levels[other] ?? 99) < (levels[own] ?? -1) }).toEqual({ from: own, to: other, down: true })
    }
  })
})

test('what is compiled imports what is compiled: the compiler forgets an import() in a function with `await using`', () => {
  const compiled = readdirSync(`${root}dist/src`, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.js'))
  expect(compiled.length).toBeGreaterThan(100)
  expect(compiled.filter(name => /import\(['"]\.[^'"]*\.ts['"]\)/.test(readFileSync(`${root}dist/src/${name}`, 'utf8')))).toEqual([])
})
