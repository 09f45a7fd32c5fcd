import { DrayError } from './dray-error.ts'
import { isLostContent } from './lost-content.ts'

/** Undefined for what is damaged; other failures are thrown on. */
export function unlessDamaged<T>(reading: Promise<T>): Promise<T | undefined> {
  return unless(reading, thrown => thrown instanceof DrayError && thrown.code === 'damaged')
}

/** Undefined also for what the disk cannot read any more. */
export function unlessLost<T>(reading: Promise<T>): Promise<T | undefined> {
  return unless(reading, isLostContent)
}

async function unless<T>(reading: Promise<T>, passesOver: (thrown: unknown) => boolean): Promise<T | undefined> {
  try {
    return await reading
  } catch (thrown) {
    if (passesOver(thrown)) return undefined
    throw thrown
  }
}
