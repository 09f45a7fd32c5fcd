import { posix } from 'node:path'
import type { Engine } from '../engine/engine.ts'
import { DrayError } from '../errors/dray-error.ts'
import { bindMount, withoutNested } from './engine-mount.ts'
import { archiveMount } from './mount-prefix.ts'
import { createTemporaryContainer, importScratchImage, removeContainer, type Journal } from './temporary-objects.ts'

export type BindKind = 'directory' | 'file' | 'socket' | 'fifo' | 'device' | 'missing'

export type BindKindOptions = { readonly engine: Engine; readonly path: string; readonly run: string; readonly journal?: Journal; readonly signal: AbortSignal }

/** Bits of Go's os.FileMode, as the engine's X-Docker-Container-Path-Stat gives it. */
const fileMode = { directory: 2 ** 31, device: 2 ** 26, fifo: 2 ** 25, socket: 2 ** 24 } as const

/**
 * What a path of the engine's host is, links followed, as the engine sees it: through a container that is never started. The
 * path may be something else for a shell beside the engine. What would lie in a file is missing. Makes nothing on the host, which the archive endpoints of the
 * user's own container would (ENGINE-FACTS 3.1).
 */
export async function kindOfBind({ engine, path, run, journal, signal }: BindKindOptions): Promise<BindKind> {
  const scope = { engine, run, journal }
  const image = await importScratchImage(scope, signal)
  const at = `${archiveMount}/${posix.basename(path) || 'root'}`
  let container: string | undefined
  try {
    container = await createTemporaryContainer(scope, 'look', { Image: image, Cmd: ['never-started'], HostConfig: { NetworkMode: 'none', LogConfig: { Type: 'none', Config: {} }, Mounts: [withoutNested(bindMount(path, at, true))] } }, signal)
    const { mode } = await engine.containers.statArchive(container, at, { signal })
    for (const [kind, bit] of Object.entries(fileMode)) if (Math.floor(mode / bit) % 2 === 1) return kind as BindKind
    return 'file'
  } catch (thrown) {
    if (thrown instanceof DrayError && /does not exist|no such file|not a directory/i.test(thrown.message)) return 'missing'
    throw thrown
  } finally {
    if (container !== undefined) await removeContainer(engine, container)
    await engine.images.remove(image, { force: true })
  }
}
