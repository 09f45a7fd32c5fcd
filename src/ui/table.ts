import { printable } from './format.ts'

export type Column<Row> = { readonly title: string; readonly value: (row: Row) => string; readonly align?: 'right'; readonly shrink?: boolean; readonly optional?: boolean }

/** Rows under titles. Optional columns are there only if a row has something in them; columns that may shrink give way, with an ellipsis, so that a line fits `width`. */
export function renderTable<Row>(all: readonly Column<Row>[], rows: readonly Row[], width: number): string {
  const columns = all.filter(({ optional, value }) => optional !== true || rows.some(row => value(row) !== ''))
  const cells = rows.map(row => columns.map(column => printable(column.value(row))))
  const natural = columns.map((column, at) => Math.max(column.title.length, ...cells.map(line => line[at]?.length ?? 0)))
  const widths = fit(natural, columns, width)
  const line = (texts: readonly string[]): string => texts.map((text, at) => pad(text, widths[at] ?? 0, columns[at]?.align)).join('  ').trimEnd()
  return [line(columns.map(column => column.title)), ...cells.map(line)].join('\n')
}

function fit<Row>(natural: readonly number[], columns: readonly Column<Row>[], width: number): number[] {
  const widths = [...natural]
  let excess = widths.reduce((sum, each) => sum + each + 2, -2) - width
  while (excess > 0) {
    const widest = widths.reduce((best, each, at) => (columns[at]?.shrink === true && each > (widths[best] ?? 0) ? at : best), columns.findIndex(column => column.shrink))
    if (widest < 0 || (widths[widest] ?? 0) <= 8) break
    widths[widest] = (widths[widest] ?? 0) - 1
    excess--
  }
  return widths
}

function pad(text: string, width: number, align?: 'right'): string {
  const cut = text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text
  return align === 'right' ? cut.padStart(width) : cut.padEnd(width)
}
