import { isDeepStrictEqual } from 'node:util'
import type { Json, JsonObject } from '../api-types.ts'
import { isEmpty, type FieldRule } from './field-rule.ts'
import { objectOf } from './json-values.ts'

export type ValueDifference = { readonly field: string; readonly recorded: Json; readonly restored: Json }

/** Compares one field as its rule says: empty values are equal unless the rule gives them a meaning. */
export function differencesOf(field: string, rule: Pick<FieldRule, 'compared' | 'emptyMeans'>, recorded: Json | undefined, restored: Json | undefined): ValueDifference[] {
  if (rule.compared === 'never') return []
  if (rule.compared === 'keys') return keyDifferences(field, objectOf(recorded), objectOf(restored))
  const isNothing = rule.emptyMeans === undefined ? isEmpty : (value: Json | undefined) => value === undefined || value === null
  if (isNothing(recorded) && isNothing(restored)) return []
  const isOneNothing = isNothing(recorded) !== isNothing(restored)
  const shape = (value: Json | undefined) => (rule.compared === 'set' && Array.isArray(value) ? sorted(value.map(bare)) : bare(value))
  return !isOneNothing && isDeepStrictEqual(shape(recorded), shape(restored)) ? [] : [{ field, recorded: recorded ?? null, restored: restored ?? null }]
}

function keyDifferences(field: string, recorded: JsonObject, restored: JsonObject): ValueDifference[] {
  return [...new Set([...Object.keys(recorded), ...Object.keys(restored)])].flatMap(key => {
    const isInBoth = Object.hasOwn(recorded, key) && Object.hasOwn(restored, key)
    if (isInBoth && isDeepStrictEqual(bare(recorded[key]), bare(restored[key]))) return []
    return [{ field: `${field}.${key}`, recorded: recorded[key] ?? null, restored: restored[key] ?? null }]
  })
}

/** Without the members that say nothing, at any depth; null when nothing is left. Elements of lists stay. */
function bare(value: Json | undefined): Json {
  if (isEmpty(value) || value === undefined) return null
  if (Array.isArray(value)) return value.map(element => (typeof element === 'object' ? bare(element) : element))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([key, member]) => [key, bare(member)] as const).filter(([, member]) => member !== null)
  return members.length > 0 ? Object.fromEntries(members) : null
}

function sorted(values: readonly Json[]): Json[] {
  return values.map(value => [JSON.stringify(value, sortKeys), value] as const).sort(([one], [other]) => (one < other ? -1 : 1)).map(([, value]) => value)
}

function sortKeys(_: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort()) : value
}
