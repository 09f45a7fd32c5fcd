import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createApiContainer, cutArchive } from './api-container.ts'
import { describeTarget } from './engine-mount.ts'
import type { MountReader, MountTarget } from './mount-access.ts'
import { archiveMount } from './mount-prefix.ts'
import { editMembers } from './tar-members.ts'
import type { TemporaryScope } from './temporary-objects.ts'

export const apiReadLosses = [
  'times below one second',
  'extended attributes and ACLs, other than file capabilities',
  'holes of sparse files: they are read as zeros',
] as const

/**
 * Reads by GET archive of a container that is never started. It cannot list; stream() gives everything, and its tar fails
 * with `io-failed` when the engine cut it, which it does without a word when a file shrinks (ENGINE-FACTS 3.1). The clock of
 * sync() is 0: nothing counts as unchanged.
 */
export async function apiReader(scope: TemporaryScope, target: MountTarget, signal: AbortSignal): Promise<MountReader> {
  const container = await createApiContainer(scope, target, 'read', signal)
  const isFile = target.kind === 'file'
  const cut = () => cutArchive(describeTarget(target))
  return {
    kind: 'api',
    losses: apiReadLosses,
    canList: false,
    sync: () => Promise.resolve('0.000000000'),
    list: () => {
      throw new Error('the api reader cannot list')
    },
    stream(_paths, until) {
      const tar = Readable.from(members(until), { objectMode: false, highWaterMark: 1 << 18 })
      const problems = finished(tar, { cleanup: true }).then(() => [])
      problems.catch(() => undefined)
      return { tar, problems }
    },
    [Symbol.asyncDispose]: () => container.dispose(),
  }

  async function* members(until: AbortSignal): AsyncGenerator<Buffer> {
    const tar = await scope.engine.containers.getArchive(container.name, `${archiveMount}/.`, { signal: until })
    try {
      yield* editMembers(tar as AsyncIterable<Buffer>, ({ header }) => !isFile || header[156] !== 0x35, cut)
    } finally {
      tar.destroy()
    }
  }
}
