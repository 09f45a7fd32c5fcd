import { expect, test } from '@jest/globals'
import { forTerminal, isUtf8Locale } from '../../../src/ui/plain-text.ts'

test.each<[Record<string, string>, boolean]>([
  [{}, true],
  [{ LANG: 'C' }, false],
  [{ LANG: 'POSIX' }, false],
  [{ LANG: 'C.UTF-8' }, true],
  [{ LANG: 'de_DE.utf8' }, true],
  [{ LANG: 'de_DE.ISO-8859-1' }, false],
  [{ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, false],
  [{ LANG: 'C', LC_CTYPE: 'C.UTF-8' }, true],
  [{ LANG: 'C.UTF-8', LC_ALL: '' }, true],
])('%j: UTF-8 is %s', (env, is) => expect(isUtf8Locale(env)).toBe(is))

test('only a terminal of another locale is spared signs, and names stay', () => {
  const text = 'reading "Größe" … · done'
  expect(forTerminal(text, { isTTY: true }, { LANG: 'C' })).toBe('reading "Größe" ... - done')
  expect(forTerminal(text, { isTTY: true }, { LANG: 'C.UTF-8' })).toBe(text)
  expect(forTerminal(text, {}, { LANG: 'C' })).toBe(text)
})
