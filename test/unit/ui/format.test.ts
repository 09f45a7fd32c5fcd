import { expect, test } from '@jest/globals'
import { formatBytes, formatCount, formatDuration, formatTime, printable } from '../../../src/ui/format.ts'

test.each([
  [0, '0 B'], [999, '999 B'], [1000, '1.0 KiB'], [1024, '1.0 KiB'], [1536, '1.5 KiB'], [102_348, '99.9 KiB'], [102_349, '100 KiB'], [1_023_000, '999 KiB'], [1_023_600, '1.0 MiB'],
  [1.5 * 2 ** 30, '1.5 GiB'], [2 ** 40, '1.0 TiB'], [3 * 2 ** 50, '3.0 PiB'], [5000 * 2 ** 50, '5000 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test.each([
  [0, '0.00 s'], [420, '0.42 s'], [994, '0.99 s'], [996, '1.0 s'], [9_940, '9.9 s'], [9_950, '10 s'], [59_400, '59 s'], [59_500, '1 min 0 s'], [200_000, '3 min 20 s'], [3_599_600, '1 h 0 min'], [7_500_000, '2 h 5 min'],
])('%d ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test('counts have their noun', () => {
  expect([formatCount(0, 'file'), formatCount(1, 'file'), formatCount(12_345, 'file'), formatCount(2, 'entry', 'entries')]).toEqual(['0 files', '1 file', '12,345 files', '2 entries'])
})

test('a time is shown in minutes, in the local zone; what is no time as it is', () => {
  expect(formatTime(new Date(2026, 0, 2, 3, 4, 59).toISOString())).toBe('2026-01-02 03:04')
  expect(formatTime('yesterday')).toBe('yesterday')
})

test('whatever could draw on a terminal is escaped, the rest is kept', () => {
  expect(printable('a\nb\r\t\u001b[31m\u007f\u009b\u0000')).toBe('a\\x0ab\\x0d\\x09\\x1b[31m\\x7f\\x9b\\x00')
  expect(printable('\u202etxt.exe\u2066\u2028')).toBe('\\u202etxt.exe\\u2066\\u2028')
  expect(printable('Ünïcödé 漢字 🐳 "quoted" \\n')).toBe('Ünïcödé 漢字 🐳 "quoted" \\n')
})
