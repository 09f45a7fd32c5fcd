import { posix } from 'node:path'
import type { Engine } from '../engine/engine.ts'
import { DrayError } from '../errors/dray-error.ts'
import { bindMount } from './engine-mount.ts'
import { sightOf } from './engine-files.ts'
import { archiveMount } from './mount-prefix.ts'
import { createTemporaryContainer, importScratchImage, removeContainer, type Journal } from './temporary-objects.ts'

export type BindKind = 'directory' | 'file' | 'socket' | 'fifo' | 'device' | 'missing'

export type BindKindOptions = { readonly engine: Engine; readonly path: string; readonly run: string; readonly journal?: Journal; readonly signal: AbortSignal }

/**
 * What a path of the engine's host is, links followed. By the shell where it sees the engine's files, else through a container
 * that is never started. Makes nothing on the host: the archive endpoints of the user's own container would (ENGINE-FACTS 3.1).
 */
export async function kindOfBind(options: BindKindOptions): Promise<BindKind> {
  const { engine, path, run, journal, signal } = options
  const sight = await sightOf({ engine, run, journal }, signal)
  if (sight.sees) {
    const { exitCode, stdout } = await sight.shell.run(['stat', '-L', '-c', '%F', '--', path], { signal })
    if (exitCode === 0) return kindOfStat(stdout.toString().trim())
  }
  return await kindInContainer(options)
}

function kindOfStat(words: string): BindKind {
  switch (words) {
    case 'directory':
    case 'socket':
    case 'fifo':
      return words
    case 'regular file':
    case 'regular empty file':
      return 'file'
    default:
      return 'device'
  }
}

/** Bits of Go's os.FileMode, as the engine's X-Docker-Container-Path-Stat gives it. */
const fileMode = { directory: 2 ** 31, device: 2 ** 26, fifo: 2 ** 25, socket: 2 ** 24 } as const

async function kindInContainer({ engine, path, run, journal, signal }: BindKindOptions): Promise<BindKind> {
  const scope = { engine, run, journal }
  const image = await importScratchImage(scope, signal)
  const at = `${archiveMount}/${posix.basename(path) || 'root'}`
  let container: string | undefined
  try {
    container = await createTemporaryContainer(scope, 'look', { Image: image, Cmd: ['never-started'], HostConfig: { NetworkMode: 'none', LogConfig: { Type: 'none', Config: {} }, Mounts: [bindMount(path, at, true)] } }, signal)
    const { mode } = await engine.containers.statArchive(container, at, { signal })
    for (const [kind, bit] of Object.entries(fileMode)) if (Math.floor(mode / bit) % 2 === 1) return kind as BindKind
    return 'file'
  } catch (thrown) {
    if (thrown instanceof DrayError && /does not exist|no such file/i.test(thrown.message)) return 'missing'
    throw thrown
  } finally {
    if (container !== undefined) await removeContainer(engine, container)
    await engine.images.remove(image, { force: true })
  }
}
