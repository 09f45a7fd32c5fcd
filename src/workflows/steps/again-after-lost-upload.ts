import { DrayError } from '../../errors/dray-error.ts'
import { lostUpload } from '../../store/remote-blobs.ts'
import type { Reporter } from '../reporter.ts'

const mostRestarts = 5

/** Stores again, by reading its source again, what a registry lost while it was uploaded: what has arrived is not sent again. */
export async function againAfterLostUpload<T>({ reporter, signal }: { readonly reporter: Reporter; readonly signal: AbortSignal }, store: () => Promise<T>): Promise<T> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await store()
    } catch (thrown) {
      signal.throwIfAborted()
      if (!(thrown instanceof DrayError && thrown.reason === lostUpload) || restarts >= mostRestarts) throw thrown
      reporter.note(`${thrown.message}: it is sent once more`)
    }
  }
}
