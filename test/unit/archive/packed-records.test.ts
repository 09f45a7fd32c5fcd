import { expect, test } from '@jest/globals'
import { PackedRecords } from '../../../src/archive/packed-records.ts'

test('records come back as they were, in order, as often as wanted', () => {
  const wanted = Array.from({ length: 20_000 }, (_, number) => Buffer.from(`record ${number} \n\xff`.repeat(1 + (number % 5)), 'latin1'))
  const packed = new PackedRecords()
  for (const record of wanted) packed.add(record)
  const texts = wanted.map(record => record.toString('latin1'))
  for (let walk = 0; walk < 2; walk++) expect([...packed.batches()].flat().map(record => record.toString('latin1')).join('\0') === texts.join('\0')).toBe(true)
  expect(Buffer.concat([...packed.parts()]).toString('latin1') === `${texts.join('\0')}\0`).toBe(true)
  expect([packed.records, packed.bytes]).toEqual([wanted.length, wanted.reduce((sum, { length }) => sum + length + 1, 0)])
})

test('nothing is nothing', () => {
  expect([[...new PackedRecords().batches()], [...new PackedRecords().parts()]]).toEqual([[], []])
})
