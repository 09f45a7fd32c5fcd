import { isUtf8 } from 'node:buffer'
import { DrayError } from '../errors/dray-error.ts'

/** One entry of the table of contents. Times are "seconds.nanoseconds"; ctime and inode only where the reader knows them and they can be relied on. */
export type TocEntry = {
  /** Relative to the mount's root, in bytes: "." is the root, "./a" its child. */
  readonly path: Buffer
  readonly type: 'f' | 'd' | 'l' | 'h' | 'p' | 'c' | 'b'
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: string
  readonly ctime?: string
  readonly inode?: string
  readonly links?: number
  /** Of a symbolic link or (type h) of another name of a file earlier in the tar. */
  readonly target?: Buffer
  /** The record in the stream: extended headers, header, data and padding. */
  readonly bytes: number
  /** The part of it before the data. */
  readonly headerBytes: number
}

const types: Readonly<Record<string, TocEntry['type']>> = { 0: 'f', '\0': 'f', 7: 'f', S: 'f', 1: 'h', 2: 'l', 3: 'c', 4: 'b', 5: 'd', 6: 'p' }

/** What a tar's typeflag is called in a table of contents. */
export function tocTypeOf(typeFlag: string): TocEntry['type'] | undefined {
  return types[typeFlag]
}

/** A tar's name as a path: a directory's has no slash at its end. */
export function tocPathOf(name: Buffer): Buffer {
  return name.length > 1 && name[name.length - 1] === 0x2f ? name.subarray(0, -1) : name
}

/** With the place of its record in the stream, which is the sum of the `bytes` before it. */
export type PlacedEntry = TocEntry & { readonly offset: number }

type Line = { p?: string; p64?: string; t: TocEntry['type']; s: number; m: number; u: number; g: number; mt: string; ct?: string; in?: string; nl?: number; l?: string; l64?: string; n: number; h: number }

/** A line of JSON, written out: there are millions of them, and everything but names is made of digits. */
export function encodeTocEntry({ path, links, target, bytes, headerBytes, ...facts }: TocEntry): Buffer {
  let line = `{${field('p', path)}${factsText(facts)}`
  if (links !== undefined) line += `,"nl":${links}`
  if (target !== undefined) line += `,${field('l', target)}`
  return Buffer.from(`${line},"n":${bytes},"h":${headerBytes}}\n`)
}

/** The part of a line that follows the path and can be told of an entry without reading it. */
export function factsText({ type, size, mode, uid, gid, mtime, ctime, inode }: Pick<TocEntry, 'size' | 'mode' | 'uid' | 'gid' | 'mtime' | 'ctime' | 'inode'> & { readonly type: string }): string {
  let text = `,"t":"${type}","s":${size},"m":${mode},"u":${uid},"g":${gid},"mt":"${mtime}"`
  if (ctime !== undefined) text += `,"ct":"${ctime}"`
  if (inode !== undefined) text += `,"in":"${inode}"`
  return text
}

/** Bytes that are not UTF-8 in base64, under a name of their own. */
function field(name: string, bytes: Buffer): string {
  return isUtf8(bytes) ? `"${name}":${JSON.stringify(bytes.toString('utf8'))}` : `"${name}64":"${bytes.toString('base64')}"`
}

/** The lines of one chunk, each decoded when it is asked for; the first entry's record begins at `offset`. Throws `damaged`. */
export function* decodeTocLines(lines: Buffer, offset: number): Generator<PlacedEntry> {
  for (let start = 0; start < lines.length;) {
    const newline = lines.indexOf(0x0a, start)
    const end = newline < 0 ? lines.length : newline
    if (end > start) {
      const entry = decodeTocLine(lines.toString('utf8', start, end), offset)
      yield entry
      offset += entry.bytes
    }
    start = end + 1
  }
}

/** One line, without or with its end. Throws `damaged`. */
export function decodeTocLine(text: string, offset: number): PlacedEntry {
  let line: Line
  try {
    line = JSON.parse(text) as Line
  } catch (cause) {
    throw new DrayError('damaged', 'a line of a table of contents is not JSON', { cause })
  }
  const path = bytesOf(line.p, line.p64)
  const target = bytesOf(line.l, line.l64)
  if (path === undefined || !Number.isSafeInteger(line.n) || !Number.isSafeInteger(line.h)) throw new DrayError('damaged', 'a line of a table of contents has no path or no length')
  return {
    path, type: line.t, size: line.s, mode: line.m, uid: line.u, gid: line.g, mtime: line.mt,
    ...(line.ct === undefined ? {} : { ctime: line.ct }),
    ...(line.in === undefined ? {} : { inode: line.in }),
    ...(line.nl === undefined ? {} : { links: line.nl }),
    ...(target === undefined ? {} : { target }),
    bytes: line.n, headerBytes: line.h, offset,
  }
}

function bytesOf(text: string | undefined, base64: string | undefined): Buffer | undefined {
  if (text !== undefined) return Buffer.from(text)
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64')
}
