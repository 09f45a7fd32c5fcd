/** What comes of the work on each, one after the other in their order, by its key. */
export async function byKey<One, Key, Thing>(all: readonly One[], keyOf: (one: One) => Key, work: (one: One) => Promise<Thing>): Promise<Map<Key, Thing>> {
  const things = new Map<Key, Thing>()
  for (const one of all) things.set(keyOf(one), await work(one))
  return things
}

/** `name` is for the RangeError that is thrown when nothing is known of it. */
export function thingOf<Key, Thing>(things: ReadonlyMap<Key, Thing>, key: Key, name: string): Thing {
  const thing = things.get(key)
  if (thing === undefined) throw new RangeError(`nothing is known of "${name}"`)
  return thing
}
