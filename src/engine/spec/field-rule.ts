import type { Json } from '../api-types.ts'

/** How one field of an inspect is replayed, and how it is compared afterwards. */
export type FieldRule = {
  readonly treated: 'copied' | 'derived' | 'dropped' | 'host-dependent'
  /** How it is derived, why it is dropped, or what of the host it depends on. */
  readonly why: string
  /** The first and the last API version that takes it. What cannot be sent is a loss. */
  readonly since?: string
  readonly until?: string
  /** `keys` compares key by key, and keeps keys with empty values; `set` ignores the order; `never` is not compared. */
  readonly compared: 'value' | 'keys' | 'set' | 'never'
  /** 0, false or an empty list is not the same as nothing. */
  readonly emptyMeans?: string
}

export type FieldTable = Readonly<Record<string, FieldRule>>

type Extra = Partial<Omit<FieldRule, 'treated' | 'why'>>

export const copied = (extra: Extra = {}): FieldRule => ({ treated: 'copied', why: '', compared: 'value', ...extra })
export const derived = (why: string, extra: Extra = {}): FieldRule => ({ treated: 'derived', why, compared: 'value', ...extra })
export const dropped = (why: string): FieldRule => ({ treated: 'dropped', why, compared: 'never' })
export const hostDependent = (why: string, extra: Extra = {}): FieldRule => ({ treated: 'host-dependent', why, compared: 'value', ...extra })

/** Engines write "not set" as null, "", 0, false, [], {} or not at all, and differ in it. */
export function isEmpty(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
