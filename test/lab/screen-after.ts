/** What a terminal shows after some output, as far as programs that ask questions use one: text, line ends, movements of the cursor, erasing. Colours are left out. */
export function screenAfter(output: string, { columns, rows }: { readonly columns: number; readonly rows: number }): string {
  let lines: string[][] = [[]]
  let [row, column] = [0, 0]
  const line = (at: number): string[] => (lines[at] ??= [])
  const newLine = (): void => {
    row++
    line(row)
  }
  const write = (char: string): void => {
    if (column >= columns) {
      newLine()
      column = 0
    }
    const cells = line(row)
    while (cells.length < column) cells.push(' ')
    cells[column++] = char
  }
  const top = (): number => Math.max(0, lines.length - rows)
  const control = (letter: string, given: number | undefined): void => {
    const count = given ?? 1
    if (letter === 'A') row = Math.max(top(), row - count)
    else if (letter === 'B') for (let step = 0; step < count; step++) newLine()
    else if (letter === 'C') column = Math.min(columns - 1, column + count)
    else if (letter === 'D') column = Math.max(0, column - count)
    else if (letter === 'G') column = count - 1
    else if (letter === 'E') [row, column] = [row + count, 0]
    else if (letter === 'K') lines[row] = given === 1 ? line(row).map((cell, at) => (at <= column ? ' ' : cell)) : given === 2 ? [] : line(row).slice(0, column)
    else if (letter === 'J' && given === 2) [lines, row, column] = [[...lines, []], lines.length, 0]
    else if (letter === 'J') lines = [...lines.slice(0, row), line(row).slice(0, column)]
  }
  for (const [part, , numbers, letter] of output.matchAll(/\u001b\](?:[^\u0007\u001b]*)(?:\u0007|\u001b\\)|\u001b(\[)([?0-9;]*)([A-Za-z])|\u001b[78=>]|[^\u001b]/gu)) {
    if (letter !== undefined) control(letter, numbers === undefined || numbers === '' ? undefined : Number.parseInt(numbers.replace(/^\?/, ''), 10))
    else if (part === '\n') newLine()
    else if (part === '\r') column = 0
    else if (part === '\b') column = Math.max(0, column - 1)
    else if (part.length === 1 ? part >= ' ' : !part.startsWith('\u001b')) write(part)
  }
  return lines.slice(top()).map(cells => cells.join('').trimEnd()).join('\n').trimEnd()
}
