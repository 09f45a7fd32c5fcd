import type { ReadProblem } from './mount-access.ts'

export type TarMessages = { readonly problems: readonly ReadProblem[]; readonly unknown: readonly string[] }

const harmless = [
  /^tar: Exiting with failure status due to previous errors$/,
  /: socket ignored$/,
  /: implausibly old time stamp/,
  /: time stamp .* in the future$/,
]

const problems: readonly [RegExp, ReadProblem['problem']][] = [
  [/^(?<path>.*): File removed before we read it$/, 'vanished'],
  [/^(?<path>.*): (?:Warning: )?Cannot [\w-]+: No such file or directory$/, 'vanished'],
  [/^(?<path>.*): File shrank by \d+ bytes?; padding with zeros$/, 'shrank'],
  [/^(?<path>.*): file changed as we read it$/, 'changed'],
  [/^(?<path>.*): (?:Warning: )?Read error at byte \d+, while reading \d+ bytes?: .*$/, 'unreadable'],
  [/^(?<path>.*): (?:Warning: )?Cannot (?:open|stat|read|readlink|savedir|seek|listxattr\w*|llistxattr\w*|flistxattr\w*|getxattr\w*|lgetxattr\w*|fgetxattr\w*)(?: .*)?: .*$/, 'unreadable'],
  [/^(?<path>.*): Unknown file type; file ignored$/, 'unreadable'],
]

/** Sorts what GNU tar (C locale, --quoting-style=escape) said while it made an archive; `unknown` holds what means failure. */
export function readTarMessages(lines: readonly string[]): TarMessages {
  const found: ReadProblem[] = []
  const unknown: string[] = []
  for (const line of lines) {
    if (line === '' || harmless.some(pattern => pattern.test(line))) continue
    const problem = problemOf(line)
    if (problem) found.push(problem)
    else unknown.push(line)
  }
  return { problems: found, unknown }
}

function problemOf(line: string): ReadProblem | undefined {
  const text = line.replace(/^[^ ]*tar: /, '')
  for (const [pattern, problem] of problems) {
    const path = pattern.exec(text)?.groups?.['path']
    if (path !== undefined) return { path: unescapeName(path), problem, detail: text.slice(path.length + 2) }
  }
  return undefined
}

const letters: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** The bytes of a name that tar quoted with the style "escape". */
export function unescapeName(quoted: string): Buffer {
  const plain = quoted.replace(/\\([0-7]{3}|.)/gs, (_, code: string) => (code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (letters[code] ?? code)))
  return Buffer.from(plain, 'latin1')
}

const attributeNotSet = /: (?:Warning: )?Cannot (?:set '.*' extended attribute|set\w+|[lf]setxattr\w*|change ownership|change mode|utime|mknod|mkfifo)\b.*$/

/** What GNU tar said while it extracted: attributes that the target refused, and everything that means failure. */
export function readExtractMessages(lines: readonly string[]): { readonly problems: readonly string[]; readonly unknown: readonly string[] } {
  const said = lines.filter(line => line !== '' && !harmless.some(pattern => pattern.test(line)))
  const full = /No space left on device|Disk quota exceeded|Input\/output error/
  const isProblem = (line: string) => attributeNotSet.test(line) && !full.test(line)
  return { problems: said.filter(isProblem).map(line => line.replace(/^[^ ]*tar: /, '')), unknown: said.filter(line => !isProblem(line)) }
}
