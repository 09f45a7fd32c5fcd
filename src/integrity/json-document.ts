/** JSON as untrusted files hold it: bounded, and read as Go reads it. */

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }
export type JsonObject = Readonly<Record<string, JsonValue>>

const deepest = 100

/** Undefined when it is no JSON, as Go's decoder sees it (a byte order mark is none). 'too deep' before anything is built. */
export function parseJson(bytes: Buffer): { readonly value: JsonValue } | { readonly problem: string } {
  if (depthOf(bytes) > deepest) return { problem: `its values are nested more than ${deepest} levels deep` }
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)) as JsonValue }
  } catch (thrown) {
    return { problem: thrown instanceof Error ? thrown.message.slice(0, 200) : 'it is not JSON' }
  }
}

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The field of that name; like Go, of any case if there is none exactly so. */
export function fieldOf(object: JsonObject, name: string): JsonValue | undefined {
  if (Object.hasOwn(object, name)) return object[name]
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

function depthOf(bytes: Buffer): number {
  let depth = 0
  let most = 0
  let inText = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (inText) {
      if (byte === 0x5c) at++
      else if (byte === 0x22) inText = false
    } else if (byte === 0x22) inText = true
    else if (byte === 0x7b || byte === 0x5b) most = Math.max(most, ++depth)
    else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return most
}
