import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { MountTarget } from '../../mounts/mount-access.ts'
import { runScript } from '../../mounts/mount-tools.ts'
import { openMountTools } from '../../mounts/open-mount.ts'
import { labelsOf, temporaryName } from '../../mounts/temporary-objects.ts'
import type { TemporaryJournal } from '../run.ts'
import { volumeTarget } from './write-mount.ts'

export type FreeSpace = { readonly fileSystem: string; readonly bytes: number }

export type SpaceJob = { readonly engine: Engine; readonly run: { readonly id: string; readonly signal: AbortSignal }; readonly temporary: TemporaryJournal }

/** What is free where a folder of the engine's host lies, which must exist. Undefined where nobody can look. */
export async function freeSpaceAt(job: SpaceJob, folder: string): Promise<FreeSpace | undefined> {
  return await freeSpaceIn(job, { kind: 'directory', path: folder })
}

/** What is free for the engine's own data. Its folder cannot be mounted, so that a volume of ours is looked at. */
export async function freeSpaceOfEngine(job: SpaceJob): Promise<FreeSpace | undefined> {
  const { engine, run, temporary } = job
  const name = temporaryName(run.id, 'space')
  await temporary({ kind: 'volume', name })
  await engine.volumes.create({ Name: name, Labels: labelsOf(run.id) }, { signal: run.signal })
  try {
    return await freeSpaceIn(job, await volumeTarget(engine, name, run.signal))
  } finally {
    await engine.volumes.remove(name)
  }
}

async function freeSpaceIn({ engine, run, temporary }: SpaceJob, target: MountTarget): Promise<FreeSpace | undefined> {
  const { signal } = run
  try {
    const tools = await openMountTools({ engine, target, reader: 'auto', run: run.id, journal: temporary, signal })
    try {
      const { stdout, exitCode } = await runScript(tools, 'df -B1 --output=source,avail . | tail -n 1', [], signal)
      const [, fileSystem = '', bytes] = /^(.*\S)\s+(\d+)\s*$/.exec(stdout.toString()) ?? []
      return exitCode === 0 && bytes !== undefined ? { fileSystem, bytes: Number(bytes) } : undefined
    } finally {
      await tools.close()
    }
  } catch (thrown) {
    signal.throwIfAborted()
    if (!(thrown instanceof DrayError) || thrown.code === 'engine-unreachable') throw thrown
    return undefined
  }
}
