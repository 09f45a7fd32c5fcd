import { DrayError } from '../../errors/dray-error.ts'
import type { Json, JsonObject, MountPoint } from '../api-types.ts'
import type { EngineFacts } from '../engine.ts'
import { hasApi } from './api-version.ts'
import { isEmpty, type FieldRule, type FieldTable } from './field-rule.ts'
import type { ContainerRecord } from './spec-record.ts'

/** A container on the target that stands for one the spec refers to. Without `mounts` it is taken to have the recorded ones. */
export type TargetPeer = { readonly name: string; readonly mounts?: readonly MountPoint[] }

export type Finding = { readonly field: string; readonly text: string }

/** What the derivation of all fields shares: what is read, and what is found on the way. */
export type ReplayContext = {
  /** With the remaps applied. */
  readonly record: ContainerRecord
  readonly target: EngineFacts
  readonly imageRef: string
  /** By the recorded name. */
  readonly peers: ReadonlyMap<string, TargetPeer>
  /** Fields, as `HostConfig.Runtime`, that the caller wants left out. */
  readonly leaveOut: ReadonlySet<string>
  readonly notes: Finding[]
  readonly losses: Finding[]
  /** What makes the request impossible; all of it is reported at once. */
  readonly obstacles: { readonly text: string; readonly hint: string }[]
}

/** Gives the value to send for a derived field; undefined sends nothing. */
export type Derive = (value: Json | undefined, context: ReplayContext) => Json | undefined

/** Sends an object field by field as the table says. Fields that the table does not know are sent as they are, and noted. */
export function replayFields(object: JsonObject, part: string, table: FieldTable, derive: Readonly<Record<string, Derive>>, context: ReplayContext): JsonObject {
  const sent: JsonObject = {}
  for (const field of new Set([...Object.keys(object), ...Object.keys(derive)])) {
    const value = replayField(object[field], field, `${part}.${field}`, table[field], derive[field], context)
    if (value !== undefined && value !== null) sent[field] = value
  }
  return sent
}

function replayField(value: Json | undefined, field: string, path: string, rule: FieldRule | undefined, derive: Derive | undefined, context: ReplayContext): Json | undefined {
  const { target, notes, losses, leaveOut } = context
  if (leaveOut.has(path)) {
    if (!isEmpty(value)) losses.push({ field: path, text: 'left out, as asked' })
    return undefined
  }
  if (rule === undefined) {
    if (!isEmpty(value)) notes.push({ field: path, text: 'dray does not know this field: it is sent as it was recorded' })
    return value
  }
  if (rule.treated === 'dropped') return undefined
  if (isOutside(rule, target)) {
    if (!isEmpty(value)) losses.push({ field: path, text: `API ${target.apiVersion} does not have ${field}` })
    return undefined
  }
  if (rule.treated === 'derived') return derive?.(value, context)
  if (rule.treated === 'host-dependent' && !isEmpty(value)) notes.push({ field: path, text: rule.why })
  return value
}

function isOutside({ since, until }: FieldRule, target: EngineFacts): boolean {
  return (since !== undefined && !hasApi(target, since)) || (until !== undefined && hasApi(target, until) && target.apiVersion !== until)
}

/** Throws one `conflict` that names every obstacle. */
export function stopAtObstacles({ obstacles }: ReplayContext): void {
  if (obstacles.length === 0) return
  throw new DrayError('conflict', 'the target lacks what the container needs', { list: obstacles.map(({ text }) => text), hints: [...new Set(obstacles.map(({ hint }) => hint))] })
}
