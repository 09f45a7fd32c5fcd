/** Walks two sorted sequences in step: pairs of items that `compare` calls equal, and single ones with nothing beside them. */
export async function* sideBySide<Item>(one: AsyncIterable<readonly Item[]>, other: AsyncIterable<readonly Item[]>, compare: (here: Item, there: Item) => number): AsyncGenerator<readonly [Item | undefined, Item | undefined]> {
  const [left, right] = [itemsOf(one), itemsOf(other)]
  try {
    let [here, there] = await Promise.all([left.next(), right.next()])
    while (here.done !== true || there.done !== true) {
      const order = here.done === true ? 1 : there.done === true ? -1 : compare(here.value, there.value)
      yield [order <= 0 ? here.value : undefined, order >= 0 ? there.value : undefined]
      ;[here, there] = await Promise.all([order <= 0 ? left.next() : here, order >= 0 ? right.next() : there])
    }
  } finally {
    await Promise.allSettled([left.return(undefined), right.return(undefined)])
  }
}

async function* itemsOf<Item>(batches: AsyncIterable<readonly Item[]>): AsyncGenerator<Item, undefined> {
  for await (const batch of batches) yield* batch
  return undefined
}
