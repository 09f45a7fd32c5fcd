import { posix } from 'node:path'
import { DrayError } from '../errors/dray-error.ts'

/** A folder in an image, without a slash at its end. Throws `usage` for what is none. */
export function readFolderPath(text: string): string {
  const path = posix.normalize(text).replace(/(.)\/+$/, '$1')
  if (!path.startsWith('/') || path === '/' || /[\p{Cc}]/u.test(path)) throw new DrayError('usage', `"${text}" is not a folder in an image`, { hints: ['a path from the root: --path /data'] })
  return path
}
