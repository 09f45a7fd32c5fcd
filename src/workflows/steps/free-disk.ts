import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { runScript } from '../../mounts/mount-tools.ts'
import { openMountTools } from '../../mounts/open-mount.ts'
import type { TemporaryJournal } from '../run.ts'

export type FreeSpace = { readonly fileSystem: string; readonly bytes: number }

/** What is free where a folder of the engine's host lies, which must exist. Undefined where nobody can look. */
export async function freeSpaceAt({ engine, run, temporary }: { readonly engine: Engine; readonly run: { readonly id: string }; readonly temporary: TemporaryJournal }, folder: string, signal: AbortSignal): Promise<FreeSpace | undefined> {
  try {
    const tools = await openMountTools({ engine, target: { kind: 'directory', path: folder }, reader: 'auto', run: run.id, journal: temporary, signal })
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
