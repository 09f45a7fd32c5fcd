import { isNativeError } from 'node:util/types'
import { DrayError, messageOf } from './dray-error.ts'
import type { ErrorCode } from './exit-codes.ts'

const meanings: Record<string, [ErrorCode, string, string?]> = {
  ENOSPC: ['io-failed', 'no space left on device', 'free some space and run the same command again'],
  EDQUOT: ['io-failed', 'the disk quota is used up', 'free some space and run the same command again'],
  EACCES: ['unauthorized', 'permission denied', 'run as a user who may access it, for example with sudo'],
  EPERM: ['unauthorized', 'operation not permitted', 'run as a user who may access it, for example with sudo'],
  EROFS: ['unauthorized', 'the file system is read-only', 'mount it for writing, or name another place'],
  ENOENT: ['not-found', 'no such file or directory'],
  ENOTDIR: ['not-found', 'a part of the path is not a directory'],
  EISDIR: ['conflict', 'it is a directory'],
  EEXIST: ['conflict', 'it exists already'],
  EIO: ['io-failed', 'input/output error', 'the disk may be failing: check the kernel log'],
  EMFILE: ['io-failed', 'too many open files', 'raise the limit with: ulimit -n'],
}

/** The `code` of an error of node's. Not by instanceof: an error made by node is none of the Error of a vm context, in which jest runs. */
export function errnoOf(thrown: unknown): string | undefined {
  const code = isNativeError(thrown) && 'code' in thrown ? thrown.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** Translates a failed system call on `subject` (a path, quoted here) into a DrayError; a DrayError passes through. */
export function fromSystemError(thrown: unknown, doing: string, subject: string): DrayError {
  if (thrown instanceof DrayError) return thrown
  const errno = errnoOf(thrown)
  const [code, reason, hint] = (errno === undefined ? undefined : meanings[errno]) ?? (['io-failed', messageOf(thrown)] as const)
  return new DrayError(code, `${doing} "${subject}": ${reason}`, { hints: hint ? [hint] : [], cause: thrown })
}
