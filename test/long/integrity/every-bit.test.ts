import '../../one-realm.ts'
import { expect, test } from '@jest/globals'
import { unnoticedBits } from '../../images/damage.ts'
import { makeEngineSaves } from '../../images/engine-saves.ts'

test.each(['20.10', '26.1', '28.5'] as const)('every single bit of a save of %s: valid only if no load reads it', async engine => {
  const archive = (await makeEngineSaves(engine)).get('layers that occur twice')!
  expect(await unnoticedBits(archive, Array.from({ length: archive.length * 8 }, (_, bit) => bit))).toEqual([])
}, 1_800_000)
