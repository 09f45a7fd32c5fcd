import { expect, test } from '@jest/globals'
import { FlushBehind } from '../../../src/workflows/steps/flush-behind.ts'

const mib = 1024 * 1024

test('one sync for every 128 MiB, and never two at one time', async () => {
  const begun: (() => void)[] = []
  const behind = new FlushBehind(() => new Promise<void>(resolve => begun.push(resolve)))
  behind.wrote(127 * mib)
  expect(begun).toHaveLength(0)
  behind.wrote(mib)
  expect(begun).toHaveLength(1)
  behind.wrote(200 * mib)
  expect(begun).toHaveLength(1)
  begun[0]!()
  await behind.end()
  behind.wrote(1)
  expect(begun).toHaveLength(2)
  let isOver = false
  const ending = behind.end().then(() => (isOver = true))
  await Promise.resolve()
  expect(isOver).toBe(false)
  begun[1]!()
  await ending
})

test('a sync that failed is told at the end, also when a later one was well', async () => {
  const answers = [Promise.reject(new Error('Input/output error')), Promise.resolve()]
  const behind = new FlushBehind(() => answers.shift()!)
  behind.wrote(128 * mib)
  await expect(behind.end()).rejects.toThrow('Input/output error')
  behind.wrote(128 * mib)
  await expect(behind.end()).rejects.toThrow('Input/output error')
})
