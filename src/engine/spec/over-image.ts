import { isDeepStrictEqual } from 'node:util'
import type { Json, JsonObject } from '../api-types.ts'
import { isEmpty } from './field-rule.ts'
import { objectOf, stringsOf } from './json-values.ts'

/** Fields that a container takes from its image as long as nobody gives them. */
const inherited = ['User', 'WorkingDir', 'StopSignal'] as const
const united = ['ExposedPorts', 'Volumes', 'Labels'] as const

/** An image's Config, or that of none. */
export type ImageConfig = JsonObject | null | undefined

/**
 * A container's Config as somebody gave it: without what its image brings by itself. `withImage` of it is the Config again, but
 * for what no create could have made out of this image.
 */
export function withoutImage(config: JsonObject, image: ImageConfig): JsonObject {
  const of = image ?? {}
  const own: JsonObject = { ...config }
  for (const field of inherited) if (own[field] === of[field]) own[field] = ''
  for (const field of united) own[field] = Object.fromEntries(Object.entries(objectOf(config[field])).filter(([key, value]) => !isDeepStrictEqual(objectOf(of[field])[key], value)))
  return { ...own, Env: ownEnv(stringsOf(config['Env']), stringsOf(of['Env'])), Healthcheck: ownCheck(objectOf(config['Healthcheck']), objectOf(of['Healthcheck'])), ...ownCommand(config, of) }
}

/** The Config that engines make of what somebody gives and what the image has (moby, daemon/commit.go, merge). */
export function withImage(own: JsonObject, image: ImageConfig): JsonObject {
  const of = image ?? {}
  const merged: JsonObject = { ...own }
  for (const field of inherited) if (isEmpty(own[field])) merged[field] = of[field]
  for (const field of united) merged[field] = { ...objectOf(of[field]), ...objectOf(own[field]) }
  return { ...merged, Env: mergedEnv(stringsOf(own['Env']), stringsOf(of['Env'])), Healthcheck: mergedCheck(objectOf(own['Healthcheck']), objectOf(of['Healthcheck'])), ...mergedCommand(own, of) }
}

/** What was given comes first, and the image's rest after it: so it is the shortest beginning that makes the whole. */
function ownEnv(env: readonly string[], image: readonly string[]): string[] {
  const count = [...env.keys()].find(at => isDeepStrictEqual(mergedEnv(env.slice(0, at), image), env))
  return env.slice(0, count ?? env.length)
}

function mergedEnv(own: readonly string[], image: readonly string[]): string[] {
  const names = new Set(own.map(envName))
  return [...own, ...image.filter(line => !names.has(envName(line)))]
}

function envName(line: string): string {
  return line.split('=', 1)[0] ?? ''
}

/** Null when all of it is the image's. */
function ownCheck(check: JsonObject, image: JsonObject): Json {
  if (isEmpty(check)) return null
  const own = Object.fromEntries(Object.entries(check).filter(([field, value]) => !isDeepStrictEqual(value, image[field])))
  return isEmpty(own) ? null : own
}

function mergedCheck(own: JsonObject, image: JsonObject): Json {
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => !isEmpty(value)))
  const merged = { ...image, ...given }
  return isEmpty(merged) ? null : merged
}

type Command = { readonly Entrypoint: Json; readonly Cmd: Json }

/** An entrypoint that is given takes the image's command away; [""] is no entrypoint at all. */
function mergedCommand({ Entrypoint, Cmd }: JsonObject, image: JsonObject): Command {
  const [entrypoint, command] = [stringsOf(Entrypoint), stringsOf(Cmd)]
  if (entrypoint.length > 0) return { Entrypoint: isDeepStrictEqual(entrypoint, ['']) ? null : entrypoint, Cmd: command }
  return { Entrypoint: stringsOf(image['Entrypoint']), Cmd: command.length > 0 ? command : stringsOf(image['Cmd']) }
}

function ownCommand({ Entrypoint, Cmd }: JsonObject, image: JsonObject): Command {
  const [entrypoint, command] = [stringsOf(Entrypoint), stringsOf(Cmd)]
  const given = entrypoint.length === 0 || isDeepStrictEqual(entrypoint, ['']) ? [''] : entrypoint
  const ways: Command[] = [{ Entrypoint: null, Cmd: null }, { Entrypoint: null, Cmd: command }, { Entrypoint: given, Cmd: command }]
  const makes = (way: Command): boolean => {
    const made = mergedCommand(way, image)
    return isDeepStrictEqual(stringsOf(made.Entrypoint), given[0] === '' ? [] : entrypoint) && isDeepStrictEqual(stringsOf(made.Cmd), command)
  }
  return ways.find(makes) ?? { Entrypoint: given, Cmd: command }
}
