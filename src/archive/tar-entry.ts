import { DrayError } from '../errors/dray-error.ts'
import { toNanosecondText } from './pax-records.ts'
import { badNumber, blockBytes, fields, numberIn, type TarHeader } from './tar-header.ts'

export type TarEntry = {
  /** Bytes as they are in the archive: "./a" and "a/" stay so. */
  readonly name: Buffer
  readonly linkName: Buffer
  /** The typeflag: '0' file, '1' hard link, '2' symbolic link, '3' and '4' devices, '5' directory, '6' fifo, 'S' old GNU sparse file, others as found. */
  readonly type: string
  /** Bytes of data in the archive, without padding; with a PAX 1.0 sparse map. */
  readonly size: number
  /** Bytes of the file itself: more than `size` for a sparse one. */
  readonly realSize: number
  readonly sparse: boolean
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** "seconds.nanoseconds" with nine digits; before 1970 the decimal number with a minus sign. */
  readonly mtime: string
  readonly devMajor: number
  readonly devMinor: number
  /** This entry's extended records over the archive's global ones; names have one character per byte (latin1). */
  readonly paxRecords: ReadonlyMap<string, Buffer>
  /** Positions in the archive. The record begins with the entry's extended headers (a global one belongs to none) and ends with its padding. */
  readonly headerStart: number
  readonly dataStart: number
  readonly dataEnd: number
  readonly recordEnd: number
}

/** What the blocks before the fixed header said. */
export type ExtendedHeaders = {
  readonly headerStart: number
  readonly paxRecords: ReadonlyMap<string, Buffer>
  readonly longName: Buffer | undefined
  readonly longLinkName: Buffer | undefined
}

/** Types that never have data, whatever their size field says. */
const typesWithoutData = '123456'

export function toTarEntry(header: TarHeader, { headerStart, paxRecords, longName, longLinkName }: ExtendedHeaders, dataStart: number): TarEntry {
  const pax = new PaxValues(paxRecords, header.position)
  const pathName = pax.text('path') ?? longName ?? header.name
  // old archives have no other mark of a directory
  const type = header.type === '0' && pathName[pathName.length - 1] === 0x2f ? '5' : header.type
  const sparse = header.type === 'S' || ['GNU.sparse.major', 'GNU.sparse.map', 'GNU.sparse.numblocks'].some(name => paxRecords.has(name))
  const isDevice = header.type === '3' || header.type === '4'
  const size = typesWithoutData.includes(type) ? 0 : (pax.number('size') ?? numberIn(header, fields.size))
  const realSize = header.type === 'S' ? numberIn(header, fields.oldSparseRealSize) : ((sparse ? (pax.number('GNU.sparse.realsize') ?? pax.number('GNU.sparse.size')) : undefined) ?? size)
  const recordEnd = dataStart + Math.ceil(size / blockBytes) * blockBytes
  if (size < 0 || realSize < 0 || !Number.isSafeInteger(recordEnd)) throw badNumber('size', header.position)
  return {
    name: (sparse ? pax.text('GNU.sparse.name') : undefined) ?? pathName,
    linkName: pax.text('linkpath') ?? longLinkName ?? header.linkName,
    type,
    size,
    realSize,
    sparse,
    mode: numberIn(header, fields.mode) & 0o7777,
    uid: pax.number('uid') ?? numberIn(header, fields.uid),
    gid: pax.number('gid') ?? numberIn(header, fields.gid),
    mtime: pax.time('mtime') ?? `${numberIn(header, fields.mtime)}.000000000`,
    devMajor: isDevice ? numberIn(header, fields.devMajor) : 0,
    devMinor: isDevice ? numberIn(header, fields.devMinor) : 0,
    paxRecords,
    headerStart,
    dataStart,
    dataEnd: dataStart + size,
    recordEnd,
  }
}

/** Records that stand for a field of the header; an empty one gives the field back to the header. */
class PaxValues {
  readonly #records: ReadonlyMap<string, Buffer>
  readonly #position: number

  constructor(records: ReadonlyMap<string, Buffer>, position: number) {
    this.#records = records
    this.#position = position
  }

  text(name: string): Buffer | undefined {
    const value = this.#records.get(name)
    return value === undefined || value.length === 0 ? undefined : value
  }

  number(name: string): number | undefined {
    const value = this.text(name)?.toString('latin1')
    if (value === undefined) return undefined
    if (!/^[0-9]+$/.test(value) || !Number.isSafeInteger(Number(value))) throw badNumber(`extended record "${name}"`, this.#position)
    return Number(value)
  }

  time(name: string): string | undefined {
    const value = this.text(name)?.toString('latin1')
    if (value === undefined) return undefined
    const time = toNanosecondText(value)
    if (time === undefined) throw new DrayError('damaged', `the tar header at byte ${this.#position} has no valid extended record "${name}"`)
    return time
  }
}
