import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { TransferMeter } from '../../../src/ui/transfer-meter.ts'

beforeEach(() => {
  jest.useFakeTimers()
})

afterEach(() => {
  jest.useRealTimers()
})

const mebibyte = 1024 * 1024

test('the rate is that of the last seconds', () => {
  const meter = new TransferMeter('data', undefined, () => undefined)
  for (let second = 0; second < 20; second++) {
    meter.add(mebibyte)
    jest.advanceTimersByTime(1000)
    expect(meter.rate()).toBeCloseTo(mebibyte)
  }
  for (let second = 0; second < 10; second++) {
    jest.advanceTimersByTime(1000)
    meter.rate()
  }
  expect(meter.rate()).toBe(0)
})

test('how far it is: without a whole, with one, with one that was too small, with nothing to do', () => {
  const meter = new TransferMeter('data', undefined, () => undefined)
  meter.add(2 * mebibyte)
  jest.advanceTimersByTime(1000)
  expect(meter.describe()).toBe('data  2.0 MiB  2.0 MiB/s')
  meter.expect(8 * mebibyte)
  expect(meter.describe()).toBe('data  2.0 MiB of 8.0 MiB  25%  2.0 MiB/s  3.0 s left')
  meter.expect(2 * mebibyte)
  expect(meter.describe()).toBe('data  2.0 MiB of 2.0 MiB  100%  2.0 MiB/s')
  meter.expect(mebibyte)
  expect(meter.describe()).toBe('data  2.0 MiB  2.0 MiB/s')
  expect(new TransferMeter('none', 0, () => undefined).describe()).toBe('none  0 B of 0 B  100%  0 B/s')
})

test('it ends once', () => {
  let ends = 0
  const meter = new TransferMeter('data', 1, () => ends++)
  meter.end()
  meter.end()
  expect(ends).toBe(1)
})
