import { dockerConfigFolder } from '../../engine/docker-context.ts'
import { splitReference } from '../../engine/image-reference.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { readCredentials, registryAuth, registryOf } from '../../registry/credentials.ts'
import { untag } from '../untag.ts'
import { differenceOfInspected } from '../steps/image-match.ts'
import { notBrought, type LoadedImage } from '../steps/load-tar.ts'
import { openSourceImage } from '../steps/source-image.ts'
import { findOnTarget, type ImageRoute, type StreamImageJob } from '../steps/stream-image.ts'
import { recordTemporaryTag, removeTemporaryTag } from '../steps/temporary-tag.ts'

/**
 * The source pushes to `reference`, the target pulls, each with the credentials that docker's config here has for the registry; both
 * leave out what the other end of their own link has. The target pulls by the digest that was pushed. What was pushed stays in
 * the registry. Throws `conflict` when the source uses the name for another image.
 */
export function viaRegistry(reference: string, env: NodeJS.ProcessEnv): ImageRoute {
  return async (job, ref) => {
    const { target, signal } = job
    try {
      const image = await openSourceImage(job, ref)
      const there = await findOnTarget(target, image, signal)
      if (there !== undefined) return { id: there, sentLayers: 0, presentLayers: image.diffIds.length, sentBytes: 0, notes: [] }
      const registry = registryOf(reference)
      const auth = registryAuth(await readCredentials(registry, dockerConfigFolder(env), env), registry)
      const { repo, tag } = splitReference(reference)
      const name = reference === repo ? `${repo}:drayage-${job.run.id}` : `${repo}:${tag}`
      return await pull(job, image.inspected, await push(job, image.id, name, auth), auth)
    } catch (thrown) {
      throw signal.aborted ? signal.reason : notBrought(thrown, ref, target)
    }
  }
}

/** Returns it as `repository@digest`. */
async function push({ run, source, transfer, signal }: StreamImageJob, id: string, name: string, auth: string): Promise<string> {
  const { repo, tag } = splitReference(name)
  const was = await unlessMissing(source.images.inspect(name, { signal }))
  if (was !== undefined && was.Id !== id) throw new DrayError('conflict', `"${name}" means another image on "${source.address}"`, { hints: ['give --via registry= another tag'] })
  const { RepoDigests: digestsBefore } = await source.images.inspect(id, { signal })
  const entry = was === undefined ? await run.journal.record(source, { did: 'created tag', ref: name }) : undefined
  let pushed: string | undefined
  try {
    if (entry !== undefined) await source.images.tag(id, repo, tag, { signal })
    const digest = await source.images.push(name, { auth, signal, onProgress: bytes => transfer.add(bytes) })
    if (digest === undefined) throw new DrayError('refused', `"${source.address}" did not say what it pushed as "${name}"`)
    pushed = `${repo}@${digest}`
    return pushed
  } finally {
    if (entry !== undefined) {
      // an engine remembers by that name what it has pushed; the image still has the other one
      if (pushed !== undefined && digestsBefore?.includes(pushed) !== true) await source.images.remove(pushed)
      await untag(source, name, { keepsImage: true })
      await run.journal.settle(entry)
    }
  }
}

async function pull({ run, target, transfer, signal }: StreamImageJob, wanted: Parameters<typeof differenceOfInspected>[0], pulled: string, auth: string): Promise<LoadedImage> {
  const wasThere = (await unlessMissing(target.images.inspect(pulled, { signal }))) !== undefined
  const entry = wasThere ? undefined : await run.journal.record(target, { did: 'created image', ref: pulled })
  const job = { engine: target, journal: run.journal, run: run.id }
  const name = await recordTemporaryTag(job, 'image')
  let sentBytes = 0
  const onProgress = (bytes: number): void => {
    sentBytes += bytes
    transfer.add(bytes)
  }
  try {
    await target.images.pull(pulled, { auth, signal, onProgress })
    const found = await target.images.inspect(pulled, { signal })
    const difference = differenceOfInspected(wanted, found)
    if (difference !== undefined) throw new DrayError('refused', `what was pulled is not the image: ${difference}`)
    await target.images.tag(found.Id, name.repo, name.tag, { signal })
    const layers = wanted.RootFS.Layers?.length ?? 0
    return { id: found.Id, temporaryName: name.ref, journalEntry: name.entry, sentLayers: layers, presentLayers: 0, sentBytes, notes: [] }
  } catch (thrown) {
    await removeTemporaryTag(job, name)
    throw thrown
  } finally {
    if (entry !== undefined) {
      await target.images.remove(pulled)
      await run.journal.settle(entry)
    }
  }
}
