import { Readable } from 'node:stream'
import type { Engine } from '../engine/engine.ts'
import { splitReference } from '../engine/image-reference.ts'
import { DrayError } from '../errors/dray-error.ts'

/** The end of a tar: two blocks of zeros, and nothing before them. */
const emptyTar = Buffer.alloc(1024)

/**
 * Takes a name off an image, if it is there; with `keepsImage` one without another name stays too. Where it is the last name of an image that a container uses, engines refuse, and
 * with force they remove the image under a container that does not run: then the name is moved to an empty
 * image, and removed with that. Interrupted in between, the same call ends it.
 */
export async function untag(engine: Engine, ref: string, { keepsImage = false } = {}): Promise<void> {
  try {
    if (keepsImage) await moveAway(engine, ref)
    await engine.images.remove(ref)
  } catch (thrown) {
    if (!(thrown instanceof DrayError && thrown.code === 'conflict')) throw thrown
    await moveAway(engine, ref)
    await engine.images.remove(ref)
  }
}

async function moveAway(engine: Engine, ref: string): Promise<void> {
  await engine.images.importRootfs(Readable.from([emptyTar]), splitReference(ref))
}
