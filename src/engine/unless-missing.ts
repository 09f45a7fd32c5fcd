import { DrayError } from '../errors/dray-error.ts'

/** What a call answers, or undefined where what it is about is not there: for looking, and for removals of what is gone already. */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (thrown) {
    if (thrown instanceof DrayError && thrown.code === 'not-found') return undefined
    throw thrown
  }
}
