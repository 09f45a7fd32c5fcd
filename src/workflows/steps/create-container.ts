import type { Engine } from '../../engine/engine.ts'
import { isImageId } from '../../engine/image-reference.ts'
import type { ContainerRecord } from '../../engine/spec/spec-record.ts'
import type { RestorePlan } from '../restore-plan.ts'
import type { Run } from '../run.ts'
import type { BroughtImages } from './bring-images.ts'
import { withComposeHash } from './compose-hash.ts'
import { whileNamed } from './image-names.ts'

export type CreateJob = {
  readonly run: Run
  readonly engine: Engine
  readonly plan: Pick<RestorePlan, 'request' | 'imageRef'> & Partial<Pick<RestorePlan, 'peers'>>
  readonly images: Pick<BroughtImages, 'wantedId'>
  /** As it was recorded, when it is to be the same one for compose too. */
  readonly spec?: ContainerRecord
}

/**
 * Creates the container and connects its networks. Returns its id. It is made under a name that nobody else has, which the
 * journal knows before, and renamed when the journal knows its id: so that undoing never removes somebody else's container
 * of the same name. The engine is not interrupted in a create.
 */
export async function createContainer({ run, engine, plan, images, spec }: CreateJob): Promise<string> {
  const { request, imageRef } = plan
  run.signal.throwIfAborted()
  const temporary = `drayage-${run.id}-restored`
  const byName = await run.journal.record(engine, { did: 'created container', container: temporary })
  const wanted = spec === undefined ? request.body : await withComposeHash(request.body, engine, spec, plan.peers ?? new Map(), run.signal)
  const body = isImageId(imageRef) || imageRef.includes('@') ? { ...wanted, Image: images.wantedId } : wanted
  const { id, warnings } = await whileNamed(run, engine, imageRef, images.wantedId, async () => {
    return await engine.containers.create(body, { name: temporary, ...(request.platform === undefined ? {} : { platform: request.platform }) })
  })
  await run.journal.record(engine, { did: 'created container', container: id })
  await run.journal.settle(byName)
  await engine.containers.rename(id, request.name, { signal: run.signal })
  for (const warning of warnings) run.reporter.note(`the engine says: ${warning}`)
  for (const network of request.disconnects) await engine.networks.disconnect(network, { Container: id, Force: true }, { signal: run.signal })
  for (const { network, body: connection } of request.connects) await engine.networks.connect(network, { ...connection, Container: id }, { signal: run.signal })
  return id
}
