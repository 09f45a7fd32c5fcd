import { DrayError } from './dray-error.ts'

/** Undefined for what is damaged; other failures are thrown on. */
export async function unlessDamaged<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (thrown) {
    if (thrown instanceof DrayError && thrown.code === 'damaged') return undefined
    throw thrown
  }
}
