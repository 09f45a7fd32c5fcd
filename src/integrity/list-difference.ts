import type { Descriptor } from '../store/oci.ts'

type Annotations = Descriptor['annotations']

/** What the list says of a backup, where it is not what the backup says itself: both in JSON, without what is equal. */
export function listDifference(own: Annotations, listed: Annotations, ignored: readonly string[] = []): { readonly expected: string; readonly found: string } | undefined {
  const names = [...new Set([...Object.keys(own ?? {}), ...Object.keys(listed ?? {})])].filter(name => own?.[name] !== listed?.[name] && !ignored.includes(name))
  if (names.length === 0) return undefined
  const text = (annotations: Annotations): string => JSON.stringify(Object.fromEntries(names.map(name => [name, annotations?.[name] ?? null])))
  return { expected: text(own), found: text(listed) }
}
