import type { ImageInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { isImageId, splitReference } from '../../engine/image-reference.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import type { Run } from '../run.ts'
import { untag } from '../untag.ts'

export async function findImageByName(engine: Engine, ref: string, signal: AbortSignal): Promise<ImageInspect | undefined> {
  return await unlessMissing(engine.images.inspect(ref, { signal }))
}

/** Gives an image those of its names that mean nothing else on the target. Returns the names that are taken. */
export async function giveNames(run: Run, engine: Engine, id: string, names: readonly string[]): Promise<string[]> {
  const taken: string[] = []
  for (const ref of names) {
    const found = await findImageByName(engine, ref, run.signal)
    if (found !== undefined && found.Id !== id) taken.push(ref)
    if (found !== undefined) continue
    const { repo, tag } = splitReference(ref)
    await run.journal.record(engine, { did: 'created tag', ref })
    await engine.images.tag(id, repo, tag, { signal: run.signal })
  }
  return taken
}

/**
 * Does `work` while `ref` means the image `id`: Config.Image of a container is what create was given, so the name points there
 * for that moment, under the journal, and goes back. Signals are seen afterwards.
 */
export async function whileNamed<T>(run: Run, engine: Engine, ref: string, id: string, work: () => Promise<T>): Promise<T> {
  if (isImageId(ref) || ref.includes('@')) return await work()
  const was = await findImageByName(engine, ref, run.signal)
  if (was?.Id === id) return await work()
  const { repo, tag } = splitReference(ref)
  const entry = await run.journal.record(engine, was === undefined ? { did: 'created tag', ref } : { did: 'moved tag', ref, was: was.Id })
  try {
    await engine.images.tag(id, repo, tag)
    return await work()
  } finally {
    if (was === undefined) await untag(engine, ref)
    else await engine.images.tag(was.Id, repo, tag)
    await run.journal.settle(entry)
  }
}
