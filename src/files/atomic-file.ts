import { link, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { temporaryName } from './temporary-name.ts'

export type AtomicFileOptions = {
  /** Permission bits, 0600 unless told. */
  readonly mode?: number
  /** Where the temporary file is made; the same file system. The file's own folder unless told. */
  readonly temporaryFolder?: string
  /** Fail with EEXIST as `conflict` instead of replacing a file that is there. */
  readonly keepExisting?: boolean
}

/**
 * The file is there with all its bytes, on disk, when this resolves; when it throws, or the machine dies, the old file is
 * as it was. A writer that throws discards what it wrote.
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array | ((file: FileHandle) => Promise<void>), options: AtomicFileOptions = {}): Promise<void> {
  const folder = dirname(path)
  const temporary = join(options.temporaryFolder ?? folder, temporaryName())
  try {
    const file = await open(temporary, 'wx', options.mode ?? 0o600)
    try {
      if (typeof content === 'function') await content(file)
      else await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await (options.keepExisting === true ? linkInto(temporary, path) : rename(temporary, path))
    await syncFolder(folder)
  } catch (thrown) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw errnoOf(thrown) === undefined ? thrown : fromSystemError(thrown, 'cannot write', path)
  }
}

/** Makes the names in a folder durable. File systems that cannot (EINVAL, and folders that cannot be opened) are left alone. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (thrown) {
    if (!['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM'].includes(errnoOf(thrown) ?? '')) throw thrown
  }
}

/** Unlike rename, link does not replace. Where there are no hard links the small window of a rename is accepted. */
async function linkInto(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path)
    await rm(temporary)
  } catch (thrown) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errnoOf(thrown) ?? '')) throw thrown
    await rename(temporary, path)
  }
}
