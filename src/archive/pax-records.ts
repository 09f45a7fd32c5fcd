import { DrayError } from '../errors/dray-error.ts'

/** More than any file has extended attributes. */
const mostNames = 10_000

/**
 * The records of a PAX extended header, the last of a name winning. Values are raw bytes; a name has one character per byte
 * (latin1), so that no name is lost. Throws `damaged`, naming the position of the header's data.
 */
export function parsePaxRecords(bytes: Buffer, position: number): Map<string, Buffer> {
  const records = new Map<string, Buffer>()
  for (const [name, value] of paxRecordsIn(bytes, position)) {
    records.set(name, value)
    if (records.size > mostNames) throw new DrayError('damaged', `the extended tar header at byte ${position} has more than ${mostNames} records`)
  }
  return records
}

/** The same one by one: a map of holes in the form 0.0 repeats its names. */
export function* paxRecordsIn(bytes: Buffer, position: number): Generator<[string, Buffer]> {
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const length = bytes.toString('latin1', at, Math.min(space, at + 9))
    const end = at + Number(length)
    const equals = bytes.indexOf(0x3d, space)
    if (!/^[1-9][0-9]*$/.test(length) || space < 0 || end > bytes.length || equals < 0 || equals >= end || bytes[end - 1] !== 0x0a) {
      throw new DrayError('damaged', `the extended tar header at byte ${position} has no valid record at byte ${position + at}`)
    }
    yield [bytes.toString('latin1', space + 1, equals), Buffer.from(bytes.subarray(equals + 1, end - 1))]
    at = end
  }
}

/** A decimal number of seconds as "seconds.nanoseconds" with nine digits, cut off beyond them; undefined if it is none. */
export function toNanosecondText(decimal: string): string | undefined {
  const [, minus = '', seconds = '', fraction = ''] = /^(-?)([0-9]{1,18})(?:\.([0-9]*))?$/.exec(decimal) ?? []
  if (seconds === '') return undefined
  const digits = `${seconds.replace(/^0+(?=[0-9])/, '')}.${fraction.slice(0, 9).padEnd(9, '0')}`
  return /[1-9]/.test(digits) ? minus + digits : digits
}
