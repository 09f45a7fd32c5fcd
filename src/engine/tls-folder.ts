import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'

/** ca.pem, cert.pem and key.pem of a folder, those that exist. An unreadable one fails. */
export async function readTlsFolder(folder: string): Promise<{ ca?: Buffer; cert?: Buffer; key?: Buffer }> {
  const [ca, cert, key] = await Promise.all(['ca.pem', 'cert.pem', 'key.pem'].map(async name => readIfThere(join(folder, name))))
  return { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (thrown) {
    const errno = errnoOf(thrown)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
    throw fromSystemError(thrown, 'reading', path)
  }
}
