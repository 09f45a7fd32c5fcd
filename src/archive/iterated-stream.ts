import type { Readable } from 'node:stream'

/** The body of a stream's read(): passes on what the iterator gives next. */
export async function pushNext(stream: Readable, iterator: AsyncIterator<Buffer>): Promise<void> {
  try {
    let result = await iterator.next()
    // a push of nothing would not ask again
    while (!result.done && result.value.length === 0) result = await iterator.next()
    stream.push(result.done ? null : result.value)
  } catch (error) {
    stream.destroy(error as Error)
  }
}

/** The end of a stream's destroy(), after its input has been destroyed: what the iterator holds is released, its complaints no longer count. */
export async function closeIterator(iterator: AsyncGenerator<Buffer>): Promise<void> {
  await iterator.return(undefined).catch(() => undefined)
}
