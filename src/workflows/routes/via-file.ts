import { createReadStream } from 'node:fs'
import { rm, stat, writeFile } from 'node:fs/promises'
import { DrayError } from '../../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../../errors/system-error.ts'
import { writeFileAtomically } from '../../files/atomic-file.ts'
import { checkImageFile } from '../../integrity/check-image-file.ts'
import { whileTransferring } from '../reporter.ts'
import { openArchivedImage } from '../steps/archived-image.ts'
import { notBrought } from '../steps/load-tar.ts'
import { diffIdsOf } from '../steps/source-image.ts'
import { countBytes } from '../steps/store-image.ts'
import { sendImage, type ImageRoute, type StreamImageJob } from '../steps/stream-image.ts'

/**
 * Saves the image into a file on this machine, checks it, and loads the target from it, so that the two engines need not be
 * reached at the same time. A file that is there already is used if it is whole, and never changed; one of ours is removed at the end.
 * Throws `damaged` for a file that is not whole or holds another image.
 */
export function viaFile(path: string): ImageRoute {
  return async (job, ref) => {
    const { source, target, signal } = job
    try {
      const inspected = await source.images.inspect(ref, { signal })
      const isThere = await isFile(path)
      if (!isThere) await whileTransferring(job.run.reporter, `save to ${path}`, transfer => saveTo({ ...job, transfer }, inspected.Id, path))
      try {
        await expectWhole(path, signal)
        return await sendImage(job, openArchivedImage(source, inspected, diffIdsOf(inspected), () => Promise.resolve(createReadStream(path)), signal))
      } finally {
        if (!isThere) await rm(path, { force: true })
      }
    } catch (thrown) {
      throw signal.aborted ? signal.reason : notBrought(thrown, ref, target)
    }
  }
}

async function saveTo({ source, transfer, signal }: StreamImageJob, id: string, path: string): Promise<void> {
  const body = await source.images.save(id, { signal })
  await writeFileAtomically(path, async file => {
    await countBytes(body, transfer, signal, counted => writeFile(file, counted))
  }, { keepExisting: true })
}

async function expectWhole(path: string, signal: AbortSignal): Promise<void> {
  const { verdict, what, findings } = await checkImageFile(path, { signal })
  if (verdict === 'valid') return
  const [first] = findings
  throw new DrayError('damaged', `"${path}" is ${verdict === 'damaged' ? 'damaged' : what}${first === undefined ? '' : `: ${first.code}${first.member === undefined ? '' : ` ("${first.member}")`}`}`, { hints: ['remove it, or name another file'] })
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return false
    throw fromSystemError(thrown, 'cannot read', path)
  }
}
