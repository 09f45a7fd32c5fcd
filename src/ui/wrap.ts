export type WrapOptions = { /** Columns that stand before the first line. */ readonly column?: number; /** Stands before the others. */ readonly indent?: string }

/** A text in lines of at most `width` columns, broken at spaces; runs of them within a line stay. A word that is longer is whole on a line of its own. */
export function wrapText(text: string, width: number, { column = 0, indent = '' }: WrapOptions = {}): string {
  const lines: string[] = []
  let line = ''
  let taken = column
  for (const word of text.match(/ *[^ ]+/g) ?? []) {
    if (taken + word.length > width && taken > 0) {
      lines.push(line)
      line = indent + word.trimStart()
      taken = line.length
    } else {
      line += word
      taken += word.length
    }
  }
  return [...lines, line].join('\n')
}

/** The same of a line whose first word is a title, as in "  makes    volume": what follows stands below what the title is of. */
export function wrapTitled(line: string, width: number): string {
  const [margin = ''] = /^ */.exec(line) ?? []
  const [title = margin] = /^ *\S+ {2,}/.exec(line) ?? []
  return wrapText(line, width, { indent: ' '.repeat(title.length > width / 2 ? margin.length + 2 : title === margin ? margin.length : title.length) })
}

/** A command of words that are quoted already, in lines that a shell takes for one; an option and its value stay together. */
export function wrapCommand(words: readonly string[], width: number, indent: string): string {
  const lines: string[] = []
  let line = indent
  for (const word of withValues(words)) {
    const longer = line.trim() === '' ? `${line}${word}` : `${line} ${word}`
    if (longer.length + 2 > width && line.trim() !== '') {
      lines.push(`${line} \\`)
      line = `${indent}  ${word}`
    } else {
      line = longer
    }
  }
  return [...lines, line].join('\n')
}

function withValues(words: readonly string[]): string[] {
  return words.reduce<string[]>((all, word, at) => {
    const isValue = !word.startsWith('-') && words[at - 1]?.startsWith('-') === true
    return isValue ? [...all.slice(0, -1), `${all.at(-1) ?? ''} ${word}`] : [...all, word]
  }, [])
}
