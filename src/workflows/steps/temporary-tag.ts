import { randomBytes } from 'node:crypto'
import type { Engine } from '../../engine/engine.ts'
import type { Journal, JournalEntry } from '../../pipeline/journal.ts'

export type TemporaryTag = { readonly ref: string; readonly repo: string; readonly tag: string; readonly entry: JournalEntry }

/** A name that no image has, written into the journal before anything gets it. */
export async function recordTemporaryTag({ engine, journal, run }: { engine: Engine; journal: Journal; run: string }, purpose: string): Promise<TemporaryTag> {
  const repo = 'drayage-tmp'
  const tag = `${run}-${purpose}-${randomBytes(5).toString('hex')}`
  const ref = `${repo}:${tag}`
  return { ref, repo, tag, entry: await journal.record(engine, { did: 'created tag', ref }) }
}

/** Removes the name, and the image if it has no other, or does what `remove` says. Never throws: what cannot be removed stays open in the journal. */
export async function removeTemporaryTag({ engine, journal }: { engine: Engine; journal: Journal }, { ref, entry }: Pick<TemporaryTag, 'ref' | 'entry'>, remove = () => engine.images.remove(ref)): Promise<void> {
  try {
    await remove()
  } catch {
    return
  }
  await journal.settle(entry)
}
