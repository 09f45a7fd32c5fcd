import { DrayError } from '../errors/dray-error.ts'

/** For removals: what is gone already is a success. */
export async function unlessMissing(removal: Promise<unknown>): Promise<void> {
  try {
    await removal
  } catch (thrown) {
    if (!(thrown instanceof DrayError && thrown.code === 'not-found')) throw thrown
  }
}
