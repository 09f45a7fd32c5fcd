import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromSystemError } from '../errors/system-error.ts'
import { temporaryName } from './temporary-name.ts'

/** A folder (0700) that is removed, with all that is in it, on dispose. After kill -9, removeDeadTemporaries finds it. */
export type PrivateTempDir = AsyncDisposable & { readonly path: string; remove(): Promise<void> }

export async function makePrivateTempDir(parent: string = tmpdir()): Promise<PrivateTempDir> {
  const path = join(parent, temporaryName())
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (thrown) {
    throw fromSystemError(thrown, 'cannot make a temporary folder in', parent)
  }
  const remove = () => rm(path, { recursive: true, force: true })
  return { path, remove, [Symbol.asyncDispose]: remove }
}
