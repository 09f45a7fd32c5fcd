import { expect, test } from '@jest/globals'
import { sideBySide } from '../../../src/workflows/steps/side-by-side.ts'

async function* batches(...each: readonly (readonly number[])[]): AsyncGenerator<readonly number[]> {
  for (const batch of each) yield await Promise.resolve(batch)
}

test('what is equal comes together, what is on one side only alone', async () => {
  const found: (readonly [number | undefined, number | undefined])[] = []
  for await (const pair of sideBySide(batches([1, 2], [], [5, 7]), batches([2], [3, 5, 8, 9]), (one, other) => one - other)) found.push(pair)
  expect(found).toEqual([[1, undefined], [2, 2], [undefined, 3], [5, 5], [7, undefined], [undefined, 8], [undefined, 9]])
})
