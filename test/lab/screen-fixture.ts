import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from '@jest/globals'
import type { Terminal } from './terminal.ts'

const fixtures = fileURLToPath(new URL('../../../fixtures/wizard/', import.meta.url))
const patienceMs = 20_000

/** Digits of what is never the same become "#", and `hidden` becomes "X"; the width stays. Lines of progress come in any order, and are left out. */
function normal(screen: string, hidden: string): string {
  const hash = (text: string): string => text.replace(/[0-9a-f]/g, '#')
  const times = /\d{4}-\d\d-\d\d\s+\d\d:\d\d/g
  const ids = /\d{8}-\d{6}-[0-9a-f]{6}(?:[0-9a-f]{2}(?![0-9a-z]))?/g
  const digests = /\b[0-9a-f]{20,64}\b/g
  return screen.replaceAll(hidden, 'X'.repeat(hidden.length)).replace(ids, hash).replace(digests, hash).replace(times, hash).replace(/\d+(?:\.\d+)? (?:min|s)\b/g, '# s').replace(/\b\d+(?:\.\d+)? (?:KiB|MiB)/g, hash).replace(/^dray: .* (?:KiB|MiB) in # s\n/gm, '')
}

/** Waits until the terminal shows what the fixture holds. With UPDATE_FIXTURES it waits for `marker` and writes it. `hidden` is what a run has for itself. */
export async function showsFixture(wizard: Terminal, name: string, { marker, hidden }: { readonly marker: RegExp | string; readonly hidden: string }): Promise<void> {
  const file = `${fixtures}${name}.txt`
  await wizard.shows(marker)
  const until = performance.now() + patienceMs
  const seen = (): string => `${normal(wizard.screen, hidden)}\n`
  if (process.env['UPDATE_FIXTURES'] !== undefined) {
    await new Promise(resolve => setTimeout(resolve, 400))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, seen())
    return
  }
  const wanted = existsSync(file) ? readFileSync(file, 'utf8') : 'there is no such fixture'
  while (seen() !== wanted && performance.now() < until) await wizard.output()
  expect(seen()).toBe(wanted)
}

/** One after the other, of a folder; what is pressed when a screen is there follows its marker. */
export function seesFixtures(wizard: Terminal, folder: string, hidden: string): (name: string, marker: RegExp | string, ...then: readonly string[]) => Promise<void> {
  return async (name, marker, ...then) => {
    await showsFixture(wizard, `${folder}/${name}`, { marker, hidden })
    for (const key of then) wizard.press(key)
  }
}
