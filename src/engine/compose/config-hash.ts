import { createHash } from 'node:crypto'
import type { Json, JsonObject } from '../api-types.ts'
import type { ContainerRecord } from '../spec/spec-record.ts'
import { goJson } from './go-json.ts'
import { alwaysWritten, guessService } from './service-guesses.ts'

export const configHashLabel = 'com.docker.compose.config-hash'

/** So many guesses are hashed in a moment. */
const mostGuesses = 50_000

/**
 * What compose will compute on the engine where the containers that this one refers to have other ids. Compose hashes a service with
 * the id of the container that "service:web" means, so nothing else tells it that the restored container is up to date. The text that
 * was hashed is guessed from the container's settings, and known to be the right one because its hash is the recorded label;
 * undefined when no guess is, or when compose refers to no container. `newIds` by the recorded ids.
 */
export function rehashed(record: ContainerRecord, newIds: ReadonlyMap<string, string>): string | undefined {
  const text = hashedText(record)
  if (text === undefined) return undefined
  return sha256([...newIds].reduce((changed, [before, after]) => changed.replaceAll(before, after), text))
}

/** The text whose hash the label holds. */
export function hashedText(record: ContainerRecord): string | undefined {
  const wanted = record.inspect.Config.Labels?.[configHashLabel]
  if (wanted === undefined) return undefined
  const keys = guessService(record)
  let left = mostGuesses
  for (const service of combinations(keys)) {
    const text = goJson(service)
    if (sha256(text) === wanted) return text
    if (--left === 0) return undefined
  }
  return undefined
}

/** The likeliest first: with the fewest second guesses. */
function* combinations(keys: ReturnType<typeof guessService>): Generator<JsonObject> {
  const open = keys.filter(([, guesses]) => guesses.length > 1).map(([key]) => key)
  for (let changed = 0; changed <= open.length; changed += 1) {
    for (const others of subsets(open, changed)) yield* written(keys, new Set(others), 0, [])
  }
}

function* subsets(items: readonly string[], size: number): Generator<string[]> {
  if (size === 0) {
    yield []
    return
  }
  for (const [at, first] of items.entries()) for (const rest of subsets(items.slice(at + 1), size - 1)) yield [first, ...rest]
}

/** Keys in `changed` take each guess but their first. */
function* written(keys: ReturnType<typeof guessService>, changed: ReadonlySet<string>, at: number, before: readonly [string, Json][]): Generator<JsonObject> {
  const next = keys[at]
  if (next === undefined) {
    yield Object.fromEntries(before)
    return
  }
  const [key, guesses] = next
  for (const guess of changed.has(key) ? guesses.slice(1) : guesses.slice(0, 1)) {
    yield* written(keys, changed, at + 1, guess === undefined ? (alwaysWritten.has(key) ? [...before, [key, null]] : before) : [...before, [key, guess]])
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
