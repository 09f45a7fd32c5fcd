/**
 * Names of files are bytes. Shown, what is not printable UTF-8 is escaped as `\xff`, and a backslash as `\\`; typed, such escapes
 * stand for their bytes.
 */
import { isUtf8 } from 'node:buffer'

/** Where bytes that are no UTF-8 are put in a text, each as one character, so that patterns see every byte: lone low surrogates, which UTF-8 has not. */
const strayBase = 0xdc00
const unprintable = /[\\\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\udc80-\udcff]/g
const specialInGlobs = /[\\*?[\]{}()!+@|,^$]/g

export function showName(bytes: Buffer): string {
  // Nearly all names are plain ones.
  const text = textOfName(bytes)
  return text.replace(unprintable, (char, at: number) => (isPaired(text, at) ? char : escapeOf(char)))
}

/** The bytes of a name that was typed: as it is, but for `\xNN` and `\\`. */
export function readName(typed: string): Buffer {
  if (!typed.includes('\\')) return Buffer.from(typed)
  const parts = typed.split(/(\\x[0-9a-fA-F]{2}|\\\\)/)
  return Buffer.concat(parts.map((part, at) => (at % 2 === 0 ? Buffer.from(part) : part === '\\\\' ? Buffer.from('\\') : Buffer.from(part.slice(2), 'hex'))))
}

/** One character for each of UTF-8, and one for each other byte. */
export function textOfName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] ?? 0)
    const sequence = bytes.subarray(at, at + length)
    const isWhole = length > 0 && sequence.length === length && isUtf8(sequence)
    text += isWhole ? sequence.toString('utf8') : String.fromCharCode(strayBase + (bytes[at] ?? 0))
    at += isWhole ? length : 1
  }
  return text
}

/** A glob as it was typed, for texts of textOfName(): `\xNN` stands for a byte there too. */
export function globOfTyped(typed: string): string {
  return typed.replace(/(?:\\x[0-9a-fA-F]{2})+/g, escapes => {
    const text = textOfName(Buffer.from(escapes.replaceAll('\\x', ''), 'hex'))
    return text.replace(specialInGlobs, special => `\\${special}`)
  })
}

function escapeOf(char: string): string {
  if (char === '\\') return '\\\\'
  const code = char.charCodeAt(0)
  const bytes = code >= strayBase + 0x80 && code <= strayBase + 0xff ? Buffer.from([code - strayBase]) : Buffer.from(char)
  return [...bytes].map(byte => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}

/** A low surrogate after a high one is half of a character. */
function isPaired(text: string, at: number): boolean {
  const [before, code] = [text.charCodeAt(at - 1), text.charCodeAt(at)]
  return code >= strayBase && code <= 0xdfff && before >= 0xd800 && before <= 0xdbff
}

function sequenceLength(first: number): number {
  return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
}
