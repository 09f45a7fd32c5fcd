/** Works on the items, at most `count` at a time. The first failure ends it, when the others that were begun have ended too. */
export async function inParallel<T>(items: Iterable<T>, count: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]()
  let failed = false
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true && !failed; next = queue.next()) {
      await work(next.value).catch((thrown: unknown) => {
        failed = true
        throw thrown
      })
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: count }, worker))
  const failure = ended.find(each => each.status === 'rejected')
  if (failure) throw failure.reason
}
