const [charWidth, lineHeight, margin] = [8.4, 18, 14]

/** Screens of a terminal, one below the other, as a picture of text. */
export function toSvg(screens: readonly string[], columns: number): string {
  let y = margin
  const parts: string[] = []
  for (const screen of screens) {
    const lines = screen.split('\n')
    const height = lines.length * lineHeight + 2 * margin
    parts.push(`<rect x="${margin}" y="${y}" width="${columns * charWidth + 2 * margin}" height="${height}" rx="6" fill="#1e1e2e"/>`)
    for (const [at, line] of lines.entries()) if (line !== '') parts.push(`<text x="${2 * margin}" y="${y + margin + (at + 1) * lineHeight - 5}" fill="${colourOf(line)}" xml:space="preserve">${escaped(line)}</text>`)
    y += height + margin
  }
  const width = columns * charWidth + 4 * margin
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">\n${parts.join('\n')}\n</svg>\n`
}

function colourOf(line: string): string {
  if (line.startsWith('❯')) return '#89dceb'
  if (/^[?✔$]/.test(line)) return '#a6e3a1'
  return line.startsWith('↑↓') ? '#9399b2' : '#cdd6f4'
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
