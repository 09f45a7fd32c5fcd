import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Engine } from '../engine/engine.ts'

/** Called before an object is made on an engine, so that the next run finds it after a kill -9. */
export type JournalEntry = { readonly kind: 'container' | 'image' | 'volume'; readonly name: string }
export type Journal = (entry: JournalEntry) => Promise<void>

/** Where the temporary objects of one run are made: they carry its label and have its id in their names. */
export type TemporaryScope = { readonly engine: Engine; readonly run: string; readonly journal: Journal | undefined }

export const labelsOf = (run: string): Record<string, string> => ({ 'dev.drayage.run': run, 'dev.drayage.temporary': 'true' })

export function temporaryName(run: string, purpose: string): string {
  return `drayage-${run}-${purpose}-${randomBytes(5).toString('hex')}`
}

/** Imports an image without any file. The caller removes it. */
export async function importScratchImage({ engine, run, journal }: TemporaryScope, signal: AbortSignal): Promise<string> {
  const repo = 'drayage-scratch'
  const tag = temporaryName(run, 'image')
  const name = `${repo}:${tag}`
  await journal?.({ kind: 'image', name })
  const changes = Object.entries(labelsOf(run)).map(([key, value]) => `LABEL ${key}=${value}`)
  try {
    await engine.images.importRootfs(Readable.from([Buffer.alloc(1024)]), { repo, tag, changes }, { signal })
    return name
  } catch (thrown) {
    await engine.images.remove(name).catch(() => undefined)
    throw thrown
  }
}

/** Makes a container that is never seen by the user: no network, no log, nothing written to its own file system. */
export async function createTemporaryContainer({ engine, run, journal }: TemporaryScope, purpose: string, body: Record<string, unknown>, signal: AbortSignal): Promise<string> {
  const name = temporaryName(run, purpose)
  await journal?.({ kind: 'container', name })
  try {
    await engine.containers.create({ NetworkDisabled: true, Labels: labelsOf(run), ...body }, { name }, { signal })
    return name
  } catch (thrown) {
    await removeContainer(engine, name).catch(() => undefined)
    throw thrown
  }
}

/** With the anonymous volumes it may have; missing is success. */
export async function removeContainer(engine: Engine, name: string): Promise<void> {
  await engine.containers.remove(name, { force: true, volumes: true })
}
