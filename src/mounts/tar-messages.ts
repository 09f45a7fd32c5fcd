import type { ReadProblem } from './mount-access.ts'

export type TarMessages = { readonly problems: readonly ReadProblem[]; readonly unknown: readonly string[] }

const harmless = [
  /^tar: Exiting with failure status due to previous errors$/,
  /: socket ignored$/,
  /: implausibly old time stamp/,
  /: time stamp .* in the future$/,
]

const problems: readonly [RegExp, ReadProblem['problem']][] = [
  [/^File removed before we read it$/, 'vanished'],
  [/^(?:Warning: )?Cannot [\w-]+: No such file or directory$/, 'vanished'],
  [/^File shrank by \d+ bytes?; padding with zeros$/, 'shrank'],
  [/^file changed as we read it$/, 'changed'],
  [/^(?:Warning: )?Read error at byte \d+, while reading \d+ bytes?: .*$/, 'unreadable'],
  [/^(?:Warning: )?Cannot (?:open|stat|read|readlink|savedir|seek|[lf]?(?:list|get)xattr\w*): .*$/, 'unreadable'],
  [/^Unknown file type; file ignored$/, 'unreadable'],
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

/** tar writes a colon in a name as "\\:", so the first plain one ends the name. */
const nameAndDetail = /^[^ ]*tar: (?<name>(?:[^\\:]|\\.)*): (?<detail>.*)$/s

function problemOf(line: string): ReadProblem | undefined {
  const { name, detail = '' } = nameAndDetail.exec(line)?.groups ?? {}
  const problem = problems.find(([pattern]) => pattern.test(detail))?.[1]
  return name === undefined || problem === undefined ? undefined : { path: unescapeName(name), problem, detail }
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
