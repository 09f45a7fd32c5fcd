/** JSON as untrusted files hold it: bounded, and read as Go reads it. */
import { isNativeError } from 'node:util/types'

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }
export type JsonObject = Readonly<Record<string, JsonValue>>

const deepest = 100
const mostValues = 200_000

export type JsonProblem = { readonly code: 'json-unreadable' | 'document-too-large' | 'json-ambiguous'; readonly words: string }

/** Its value; a problem when it is no JSON as Go's decoder sees it (a byte order mark is none), is too deep or too long, or has a key twice. */
export function parseJson(bytes: Buffer): { readonly value: JsonValue } | { readonly problem: JsonProblem } {
  const { depth, values } = extentOf(bytes)
  if (depth > deepest) return { problem: { code: 'document-too-large', words: `its values are nested more than ${deepest} levels deep` } }
  if (values > mostValues) return { problem: { code: 'document-too-large', words: `it has more than ${mostValues} values` } }
  try {
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
    const value = JSON.parse(text) as JsonValue
    const doubled = doubledKeyOf(text)
    return doubled === undefined ? { value } : { problem: { code: 'json-ambiguous', words: `the key ${doubled.slice(0, 100)}` } }
  } catch (thrown) {
    return { problem: { code: 'json-unreadable', words: isNativeError(thrown) ? thrown.message.slice(0, 200) : 'it is not JSON' } }
  }
}

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The field of that name in any case; like Go, the last if there are several. */
export function fieldOf(object: JsonObject, name: string): JsonValue | undefined {
  const key = Object.keys(object).findLast(each => each.toLowerCase() === name.toLowerCase())
  return key === undefined ? undefined : object[key]
}

export function textOf(object: JsonObject, name: string): string | undefined {
  const value = fieldOf(object, name)
  return typeof value === 'string' ? value : undefined
}

/** Strings, or undefined if it is anything else; null and nothing are an empty list, as in Go. */
export function textsOf(object: JsonObject, name: string): readonly string[] | undefined {
  const value = fieldOf(object, name)
  if (value === undefined || value === null) return []
  return Array.isArray(value) && value.every(each => typeof each === 'string') ? value : undefined
}

function extentOf(bytes: Buffer): { depth: number; values: number } {
  let depth = 0
  let most = 0
  let values = 1
  let inText = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (inText) {
      if (byte === 0x5c) at++
      else if (byte === 0x22) inText = false
    } else if (byte === 0x22) inText = true
    else if (byte === 0x7b || byte === 0x5b) {
      most = Math.max(most, ++depth)
      values++
    } else if (byte === 0x7d || byte === 0x5d) depth--
    else if (byte === 0x2c) values++
  }
  return { depth: most, values }
}

/** The first key that an object of this valid JSON has twice, quoted. */
function doubledKeyOf(text: string): string | undefined {
  const keys: (Set<string> | undefined)[] = []
  let last = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '{') keys.push(new Set())
    else if (char === '[') keys.push(undefined)
    else if (char === '}' || char === ']') keys.pop()
    else if (char === '"') {
      const start = at
      at = endOfText(text, at)
      last = text.slice(start, at + 1)
    } else if (char === ':') {
      const key = JSON.parse(last) as string
      if (keys.at(-1)?.has(key) === true) return last
      keys.at(-1)?.add(key)
    }
  }
  return undefined
}

function endOfText(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
