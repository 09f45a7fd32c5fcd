import type { Json } from '../api-types.ts'

/** The strings of a list that an engine wrote; null and anything else count as none. */
export function stringsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : []
}

export function objectOf(value: Json | undefined): Record<string, Json | undefined> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

/** What an engine wrote as a text, a number or a truth value. */
export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value)
}
