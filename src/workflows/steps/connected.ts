/** Items in the groups that they make by what they have in common, directly or through others; in their order. */
export function connected<Item>(items: readonly Item[], keysOf: (item: Item) => readonly string[]): Item[][] {
  const groups = new Map<Item, readonly Item[]>(items.map(each => [each, [each]]))
  const firstWith = new Map<string, Item>()
  for (const item of items) {
    for (const key of keysOf(item)) {
      const first = firstWith.get(key) ?? item
      firstWith.set(key, first)
      const all = [...new Set([...(groups.get(first) ?? []), ...(groups.get(item) ?? [])])]
      for (const each of all) groups.set(each, all)
    }
  }
  return [...new Set(groups.values())].map(group => items.filter(each => group.includes(each)))
}
