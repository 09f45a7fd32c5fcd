import { DrayError } from '../errors/dray-error.ts'
import { parsePaxRecords } from './pax-records.ts'
import { toTarEntry, type TarEntry } from './tar-entry.ts'
import { noteGarbage } from './young-garbage.ts'
import { blockBytes, fields, hasSparseExtension, numberIn, oldSparseExtensionIsExtendedAt, parseTarHeader, type TarHeader } from './tar-header.ts'

/** An extended header or long name larger than this is not one. */
const maxMetaBytes = 1024 * 1024
const maxMetaBytesPerEntry = 4 * maxMetaBytes
const mostMessageBytes = 4096
const zeros = Buffer.alloc(64 * 1024)

/** The reason of a DrayError: the tar ends before its end, or with what an engine said when it failed. */
export const tarIsCut = 'tar is cut'
export const tarEndsWithMessage = 'tar ends with a message'
/** Every member is whole, and the end is not as it should be: it is missing, or something follows it. Go's reader takes both. */
export const tarHasNoEnd = 'tar has no end'
export const tarIsFollowed = 'tar is followed by something'

/** `header` covers the extended headers before it too; `end` everything from the first end block on. */
export type TarPart = 'header' | 'data' | 'padding' | 'end'

/**
 * Called while bytes are scanned, in this order for each entry: onRaw header (one or more), onEntry, onRaw and onData data,
 * onEntryEnd, onRaw padding. Slices are parts of the scanned buffers, or copies of single blocks that were split between two.
 */
export type TarEvents = {
  onEntry?(entry: TarEntry): void
  onData?(slice: Buffer): void
  onEntryEnd?(entry: TarEntry): void
  /** Every byte of the archive, once and in order. */
  onRaw?(slice: Buffer, part: TarPart): void
}

type State = 'header' | 'meta' | 'sparse-extension' | 'data' | 'padding' | 'second-end-block' | 'end'

/**
 * Reads a tar as it passes: bytes in, in any pieces; entries out. Understands ustar, PAX, and GNU's long names, large numbers
 * and sparse files. Proves the end: two zero blocks, then nothing but zeros. Throws `damaged`, naming the position.
 */
export class TarScanner {
  readonly #events: TarEvents
  #state: State = 'header'
  #position = 0
  #endedAt: number | undefined
  #partialBlock: Buffer | undefined
  #partialBytes = 0
  /** Bytes left of the data or padding that is passing. */
  #left = 0
  #entry: TarEntry | undefined
  #lastData: Buffer = zeros.subarray(0, 0)
  #header: TarHeader | undefined
  #headerStart: number | undefined
  #meta: { readonly type: string; readonly position: number; readonly bytes: Buffer; filled: number } | undefined
  #metaBytes = 0
  #globalRecords = new Map<string, Buffer>()
  #globalBytes = 0
  #paxRecords: Map<string, Buffer> | undefined
  #longName: Buffer | undefined
  #longLinkName: Buffer | undefined

  constructor(events: TarEvents) {
    this.#events = events
  }

  /** Bytes scanned so far. */
  get position(): number {
    return this.#position
  }

  /** Where the first end block begins, once it has been seen. */
  get endedAt(): number | undefined {
    return this.#endedAt
  }

  /** Bytes of the current entry's data that are still to come. */
  get dataLeft(): number {
    return this.#state === 'data' ? this.#left : 0
  }

  /** Takes some of `dataLeft` as passed, for whoever reads it another way. */
  skipData(bytes: number): void {
    this.#left -= bytes
    this.#position += bytes
    if (this.#left === 0) this.#endData()
  }

  scan(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      at += this.#step(at === 0 ? bytes : bytes.subarray(at))
    }
  }

  /** To be called after the last byte. Throws `damaged` unless the archive is whole. */
  end(): void {
    if (this.#state === 'end') return
    const where = `the tar is cut at byte ${this.#position}`
    const rest = this.#partialBlock?.subarray(0, this.#partialBytes).toString() ?? ''
    // an engine that fails after its first byte has no other way to say so
    const message = rest.startsWith('{"') ? rest : /\{"(?:errorDetail|message|error)":[^\n]*\}\s*$/.exec(this.#lastData.subarray(-mostMessageBytes).toString('latin1'))?.[0]
    if (message !== undefined) throw new DrayError('damaged', `${where}, by the message ${printable(Buffer.from(message.trim()))}`, { reason: tarEndsWithMessage })
    if (this.#entry) throw cut(`${where}, within "${printable(this.#entry.name)}"`)
    if (this.#state === 'header' && this.#partialBytes === 0 && this.#headerStart === undefined) throw cut(`${where}: it has no end blocks`, this.#position === 0 ? tarIsCut : tarHasNoEnd)
    throw cut(`${where}, within ${this.#state === 'second-end-block' ? 'its end blocks' : 'a header'}`)
  }

  /** Handles what `bytes` begin with, and returns how many of them it took: at least one. */
  #step(bytes: Buffer): number {
    switch (this.#state) {
      case 'header':
      case 'sparse-extension':
      case 'second-end-block':
        return this.#takeBlock(bytes)
      case 'meta':
        return this.#takeMeta(bytes)
      case 'data':
        return this.#takeData(bytes)
      case 'padding':
        return this.#takePadding(bytes)
      case 'end':
        return this.#takeEnd(bytes)
    }
  }

  #pass(slice: Buffer, part: TarPart): number {
    this.#position += slice.length
    this.#events.onRaw?.(slice, part)
    return slice.length
  }

  #takeBlock(bytes: Buffer): number {
    if (this.#partialBlock === undefined && bytes.length >= blockBytes) {
      this.#block(bytes.subarray(0, blockBytes))
      return blockBytes
    }
    this.#partialBlock ??= Buffer.allocUnsafeSlow(blockBytes)
    const taken = bytes.copy(this.#partialBlock, this.#partialBytes)
    this.#partialBytes += taken
    if (this.#partialBytes === blockBytes) {
      const block = this.#partialBlock
      this.#partialBlock = undefined
      this.#partialBytes = 0
      this.#position -= blockBytes - taken
      this.#block(block)
    } else {
      this.#position += taken
    }
    return taken
  }

  #block(block: Buffer): void {
    const position = this.#position
    if (this.#state === 'sparse-extension') {
      this.#pass(block, 'header')
      if (block[oldSparseExtensionIsExtendedAt] !== 1) this.#beginEntry()
    } else if (isZero(block)) {
      this.#endBlock(block, position)
    } else if (this.#state === 'second-end-block') {
      throw new DrayError('damaged', `the tar goes on at byte ${position}, after a single end block`)
    } else {
      if (block.toString('latin1', 0, 2) === '{"' && !block.includes(0)) throw new DrayError('damaged', `the tar is cut at byte ${position}, by the message ${printable(block)}`, { reason: tarEndsWithMessage })
      const header = parseTarHeader(block, position)
      this.#headerStart ??= position
      this.#pass(block, 'header')
      this.#takeHeader(header)
    }
  }

  #endBlock(block: Buffer, position: number): void {
    if (this.#headerStart !== undefined) throw new DrayError('damaged', `the tar ends at byte ${position}, after an extended header without its entry`)
    this.#state = this.#state === 'second-end-block' ? 'end' : 'second-end-block'
    this.#endedAt ??= position
    this.#pass(block, 'end')
  }

  #takeHeader(header: TarHeader): void {
    if (header.type === 'x' || header.type === 'g' || header.type === 'L' || header.type === 'K') {
      this.#beginMeta(header)
      return
    }
    this.#header = header
    if (hasSparseExtension(header)) this.#state = 'sparse-extension'
    else this.#beginEntry()
  }

  #beginMeta(header: TarHeader): void {
    const size = numberIn(header, fields.size)
    this.#metaBytes += size
    if (size < 0 || size > maxMetaBytes || this.#metaBytes > maxMetaBytesPerEntry) throw new DrayError('damaged', `the extended tar header at byte ${header.position} is too large: ${size} bytes`)
    // its bytes, and its records
    noteGarbage(16 * size)
    this.#meta = { type: header.type, position: header.position + blockBytes, bytes: Buffer.allocUnsafe(size), filled: 0 }
    this.#left = Math.ceil(size / blockBytes) * blockBytes
    if (this.#left === 0) this.#endMeta()
    else this.#state = 'meta'
  }

  #takeMeta(bytes: Buffer): number {
    const slice = bytes.subarray(0, this.#left)
    if (this.#meta) this.#meta.filled += slice.copy(this.#meta.bytes, this.#meta.filled)
    this.#left -= this.#pass(slice, 'header')
    if (this.#left === 0) this.#endMeta()
    return slice.length
  }

  #endMeta(): void {
    const meta = this.#meta
    this.#meta = undefined
    this.#state = 'header'
    if (meta?.type === 'L') this.#longName = untilZero(meta.bytes)
    else if (meta?.type === 'K') this.#longLinkName = untilZero(meta.bytes)
    else if (meta?.type === 'x') this.#paxRecords = merged(this.#paxRecords, parsePaxRecords(meta.bytes, meta.position))
    else if (meta) this.#takeGlobalRecords(meta.bytes, meta.position)
  }

  /** A global header stands alone: it may be the last thing before the end blocks. */
  #takeGlobalRecords(bytes: Buffer, position: number): void {
    this.#globalBytes += bytes.length
    if (this.#globalBytes > maxMetaBytesPerEntry) throw new DrayError('damaged', `the global tar header at byte ${position} is one too many`)
    this.#globalRecords = merged(this.#globalRecords, parsePaxRecords(bytes, position))
    if (this.#paxRecords === undefined && this.#longName === undefined && this.#longLinkName === undefined) {
      this.#headerStart = undefined
      this.#metaBytes = 0
    }
  }

  #beginEntry(): void {
    const header = this.#header
    if (!header) return
    const paxRecords = merged(this.#globalRecords, this.#paxRecords ?? new Map<string, Buffer>())
    const extended = { headerStart: this.#headerStart ?? header.position, paxRecords, longName: this.#longName, longLinkName: this.#longLinkName }
    this.#entry = toTarEntry(header, extended, this.#position)
    this.#header = this.#headerStart = this.#paxRecords = this.#longName = this.#longLinkName = undefined
    this.#metaBytes = 0
    this.#left = this.#entry.size
    this.#state = 'data'
    this.#events.onEntry?.(this.#entry)
    if (this.#left === 0) this.#endData()
  }

  #takeData(bytes: Buffer): number {
    const slice = bytes.length <= this.#left ? bytes : bytes.subarray(0, this.#left)
    this.#left -= slice.length
    this.#pass(slice, 'data')
    this.#lastData = slice
    this.#events.onData?.(slice)
    if (this.#left === 0) this.#endData()
    return slice.length
  }

  #endData(): void {
    const entry = this.#entry
    if (!entry) return
    this.#left = entry.recordEnd - entry.dataEnd
    this.#lastData = zeros.subarray(0, 0)
    this.#state = this.#left === 0 ? 'header' : 'padding'
    this.#events.onEntryEnd?.(entry)
    if (this.#left === 0) this.#entry = undefined
  }

  #takePadding(bytes: Buffer): number {
    const slice = bytes.subarray(0, this.#left)
    this.#left -= this.#pass(slice, 'padding')
    if (this.#left === 0) {
      this.#entry = undefined
      this.#state = 'header'
    }
    return slice.length
  }

  #takeEnd(bytes: Buffer): number {
    const slice = bytes.subarray(0, zeros.length)
    if (!isZero(slice)) throw new DrayError('damaged', `something follows the end of the tar, from byte ${this.#position + slice.findIndex(byte => byte !== 0)} on`, { reason: tarIsFollowed })
    return this.#pass(slice, 'end')
  }
}

function cut(message: string, reason = tarIsCut): DrayError {
  return new DrayError('damaged', message, { reason })
}

function isZero(slice: Buffer): boolean {
  return slice[0] === 0 && slice.equals(zeros.subarray(0, slice.length))
}

function merged(first: Map<string, Buffer> | undefined, over: Map<string, Buffer>): Map<string, Buffer> {
  return first === undefined || first.size === 0 ? over : new Map([...first, ...over])
}

function untilZero(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end)
}

function printable(name: Buffer): string {
  return name.toString().replace(/\p{C}/gu, '?')
}
