import { expect, test } from '@jest/globals'
import { renderTable, type Column } from '../../../src/ui/table.ts'

type Row = { readonly name: string; readonly tags: string; readonly size: string }

const columns: readonly Column<Row>[] = [
  { title: 'NAME', value: ({ name }) => name, shrink: true },
  { title: 'TAGS', value: ({ tags }) => tags, shrink: true },
  { title: 'SIZE', value: ({ size }) => size, align: 'right' },
]
const rows: readonly Row[] = [
  { name: 'web', tags: 'nightly', size: '1.2 GiB' },
  { name: 'a-container-with-a-very-long-name', tags: '', size: '3 B' },
]

test('columns are as wide as their widest cell, numbers stand right', () => {
  expect(renderTable(columns, rows, 100).split('\n')).toEqual([
    'NAME                               TAGS        SIZE',
    'web                                nightly  1.2 GiB',
    'a-container-with-a-very-long-name               3 B',
  ])
})

test('columns that may shrink give way, the widest first', () => {
  const lines = renderTable(columns, rows, 40).split('\n')
  expect(lines).toEqual(['NAME                    TAGS        SIZE', 'web                     nightly  1.2 GiB', 'a-container-with-a-ve…               3 B'])
})

test.each([200, 60, 40, 30])('a line fits into %i columns', width => {
  for (const line of renderTable(columns, rows, width).split('\n')) expect(line.length).toBeLessThanOrEqual(width)
})

test('a column stays readable on a page that is far too narrow', () => {
  expect(renderTable(columns, rows, 5).split('\n')[2]).toMatch(/^a-conta… /)
})

test('no rows: the titles; a cell cannot break its line', () => {
  expect(renderTable(columns, [], 80)).toBe('NAME  TAGS  SIZE')
  expect(renderTable(columns, [{ name: 'a\nb', tags: '\u001b[2J', size: '' }], 80)).toBe('NAME    TAGS     SIZE\na\\x0ab  \\x1b[2J')
})

test('an optional column is there when a row has something in it', () => {
  const optional = columns.map(column => (column.title === 'TAGS' ? { ...column, optional: true } : column))
  expect(renderTable(optional, rows, 100)).toBe(renderTable(columns, rows, 100))
  expect(renderTable(optional, [{ name: 'web', tags: '', size: '3 B' }], 100)).toBe('NAME  SIZE\nweb    3 B')
})
