import { expect, test } from '@jest/globals'
import { RecordTable } from '../../../src/store/record-table.ts'

const keys = 50_000

test.each([0, 7, 14, 28])('as many keys as one likes that differ from byte %d on alone are found in no time', from => {
  const table = new RecordTable(33)
  const record = Buffer.alloc(33)
  const keyed = (number: number): Buffer => {
    record.fill(0)
    record.writeUInt32BE(number, from)
    record[32] = number % 251
    return record
  }
  for (let number = 0; number < keys; number++) table.set(keyed(number))
  expect(table.size).toBe(keys)
  const found = Array.from({ length: keys }, (_, number) => table.get(keyed(number))?.[32] === number % 251)
  expect(found.filter(Boolean)).toHaveLength(keys)
  expect(table.has(keyed(keys))).toBe(false)
})

test.each([0, 8, 16, 24])('keys whose words differ in their upper bits alone, by %d, too', shift => {
  const table = new RecordTable(32)
  const key = Buffer.alloc(32)
  for (let number = 0; number < keys; number++) {
    for (let word = 0; word < 8; word++) key.writeUInt32LE((((number >> (4 * word)) & 15) << shift) >>> 0, 4 * word)
    table.set(key)
  }
  expect(table.size).toBe(keys)
})

test('one that is filled up to its last slots finds all', () => {
  const table = new RecordTable(32, { mostLoad: 0.96 })
  const key = Buffer.alloc(32)
  const many = 3932
  for (let number = 0; number < many; number++) {
    key.fill(0).writeUInt32LE(number)
    table.set(key)
  }
  expect(table.size).toBe(many)
  expect(Array.from({ length: many }, (_, number) => {
    key.fill(0).writeUInt32LE(number)
    return table.has(key)
  }).every(Boolean)).toBe(true)
  expect(table.has(key.fill('x'))).toBe(false)
})
