import { showName } from '../archive/byte-names.ts'
import type { PlacedEntry } from '../store/toc-entry.ts'

const kinds: Readonly<Record<PlacedEntry['type'], string>> = { f: '-', h: '-', d: 'd', l: 'l', p: 'p', c: 'c', b: 'b' }

/** Like a line of `ls -l`: kind and mode, owner, size, time of modification in the local time zone, name. */
export function entryLine(entry: PlacedEntry, name: Buffer): string {
  const { type, mode, uid, gid, size, mtime, target } = entry
  const leads = target === undefined ? '' : type === 'h' ? ` = ${showName(target.subarray(2))}` : ` -> ${showName(target)}`
  return `${kinds[type]}${modeText(mode)} ${`${uid}:${gid}`.padEnd(11)} ${String(size).padStart(12)} ${timeText(mtime)} ${showName(name)}${leads}`
}

/** For `--json`: names as they are shown, and in base64 where they are not UTF-8. */
export function entryJson({ path, type, size, mode, uid, gid, mtime, target, links }: PlacedEntry): object {
  const bytes = path.subarray(2)
  const shown = showName(path.length < 2 ? path : bytes)
  return {
    path: shown, ...(Buffer.from(shown).equals(bytes) || path.length < 2 ? {} : { pathBase64: bytes.toString('base64') }),
    type, size, mode: mode.toString(8).padStart(4, '0'), uid, gid, mtime: isoOf(mtime), ...(links === undefined ? {} : { links }), ...(target === undefined ? {} : { target: showName(target) }),
  }
}

/** `rwxr-x---`, with setuid, setgid and sticky as ls shows them. */
export function modeText(mode: number): string {
  const of = (shift: number, special: boolean, letter: string): string => {
    const bits = (mode >> shift) & 7
    const last = special ? ((bits & 1) === 0 ? letter.toUpperCase() : letter) : (bits & 1) === 0 ? '-' : 'x'
    return `${(bits & 4) === 0 ? '-' : 'r'}${(bits & 2) === 0 ? '-' : 'w'}${last}`
  }
  return of(6, (mode & 0o4000) !== 0, 's') + of(3, (mode & 0o2000) !== 0, 's') + of(0, (mode & 0o1000) !== 0, 't')
}

const minute = { text: '', of: NaN }

/** `2026-11-21 03:36`. Neighbours are often of one minute. */
export function timeText(mtime: string): string {
  const at = Math.floor(Number.parseFloat(mtime) / 60)
  if (minute.of === at) return minute.text
  const date = new Date(at * 60_000)
  const two = (value: number): string => String(value).padStart(2, '0')
  minute.of = at
  minute.text = Number.isNaN(date.getTime()) ? mtime : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`
  return minute.text
}

/** Of "seconds.nanoseconds", all digits kept. */
export function isoOf(mtime: string): string {
  const [seconds = '', nanoseconds = ''] = mtime.split('.')
  const date = new Date(Number(seconds) * 1000)
  return Number.isNaN(date.getTime()) || mtime.startsWith('-') ? mtime : `${date.toISOString().slice(0, 19)}.${nanoseconds}Z`
}
