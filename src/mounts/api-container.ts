import { posix } from 'node:path'
import { DrayError } from '../errors/dray-error.ts'
import { bindMount, engineMount, withoutNested } from './engine-mount.ts'
import type { MountTarget } from './mount-access.ts'
import { archiveMount } from './mount-prefix.ts'
import { createTemporaryContainer, importScratchImage, removeContainer, type TemporaryScope } from './temporary-objects.ts'

/** A container that is never started, so that the archive endpoints see the mount; dispose() removes it and its image. */
export type ApiContainer = { readonly name: string; dispose(): Promise<void> }

/**
 * A single file is mounted alone for reading; for writing the directory that holds it, because the engine replaces a
 * file by another one, which it cannot do to a mount point.
 */
export async function createApiContainer(scope: TemporaryScope, target: MountTarget, access: 'read' | 'write', signal: AbortSignal): Promise<ApiContainer> {
  const image = await importScratchImage(scope, signal)
  const mount = target.kind === 'file' && access === 'read' ? bindMount(target.path, `${archiveMount}/${posix.basename(target.path)}`, true) : engineMount(target, archiveMount, access === 'read')
  try {
    const name = await createTemporaryContainer(scope, 'archive', { Image: image, Cmd: ['never-started'], HostConfig: { NetworkMode: 'none', LogConfig: { Type: 'none', Config: {} }, Mounts: [withoutNested(mount)] } }, signal)
    return {
      name,
      async dispose() {
        await removeContainer(scope.engine, name)
        await scope.engine.images.remove(image, { force: true })
      },
    }
  } catch (thrown) {
    await scope.engine.images.remove(image, { force: true }).catch(() => undefined)
    throw thrown
  }
}

export function cutArchive(what: string): DrayError {
  return new DrayError('io-failed', `read ${what}: the engine's archive is cut: a file shrank or vanished while it was read`, { hints: ['read it while its containers are paused or stopped: --consistency pause', 'the host and helper readers cope with it: --reader auto'] })
}
