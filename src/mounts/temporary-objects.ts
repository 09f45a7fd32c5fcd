import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Engine } from '../engine/engine.ts'
import { parseOwnerToken, thisProcess, toOwnerToken, type Owner } from '../files/owner.ts'

const scratchRepo = 'drayage-scratch'

/** Called before an object is made on an engine, so that the next run finds it after a kill -9. */
export type JournalEntry = { readonly kind: 'container' | 'image' | 'volume'; readonly name: string }
export type Journal = (entry: JournalEntry) => Promise<void>

/** Where the temporary objects of one run are made: they carry its label and have its id in their names. */
export type TemporaryScope = { readonly engine: Engine; readonly run: string; readonly journal: Journal | undefined }

/** The owner is whose they are, for one who finds them later and has no journal: the engine may make a thing after its run is dead. */
const labelNames = { temporary: 'dev.drayage.temporary', run: 'dev.drayage.run', owner: 'dev.drayage.owner' } as const

export const labelsOf = (run: string, owner: Owner = thisProcess()): Record<string, string> => ({ [labelNames.run]: run, [labelNames.temporary]: 'true', [labelNames.owner]: toOwnerToken(owner) })

export function isTemporary(labels: Readonly<Record<string, string>> | null | undefined): boolean {
  return labels?.[labelNames.temporary] === 'true'
}

export type TemporaryObject = { readonly kind: 'container' | 'image' | 'volume'; readonly name: string; readonly run: string; readonly owner: Owner | undefined }

/** Every temporary object of an engine, of any run, in the order in which they can be removed. */
export async function listTemporaryObjects({ containers, images, volumes }: Engine, signal: AbortSignal): Promise<TemporaryObject[]> {
  const filters = { label: [`${labelNames.temporary}=true`] }
  const found = await Promise.all([containers.list(filters, { signal }), images.list({ filters, signal }), volumes.list(filters, { signal })])
  const toObject = (kind: TemporaryObject['kind'], name: string, labels: Readonly<Record<string, string>> | null | undefined): TemporaryObject => ({ kind, name, run: labels?.[labelNames.run] ?? '', owner: parseOwnerToken(labels?.[labelNames.owner] ?? '') })
  return [
    ...found[0].map(({ Names, Id, Labels }) => toObject('container', Names[0]?.replace(/^\//, '') ?? Id, Labels)),
    ...found[1].flatMap(({ RepoTags, Id, Labels }) => (RepoTags === null || RepoTags.length === 0 ? [Id] : RepoTags.filter(tag => tag.startsWith(`${scratchRepo}:`))).map(name => toObject('image', name, Labels))),
    ...found[2].map(({ Name, Labels }) => toObject('volume', Name, Labels)),
  ]
}

/** Missing is success. */
export async function removeTemporaryObject(engine: Engine, { kind, name }: TemporaryObject): Promise<void> {
  if (kind === 'container') await removeContainer(engine, name)
  else if (kind === 'image') await engine.images.remove(name)
  else await engine.volumes.remove(name)
}

export function temporaryName(run: string, purpose: string): string {
  return `drayage-${run}-${purpose}-${randomBytes(5).toString('hex')}`
}

/** Imports an image without any file. The caller removes it. */
export async function importScratchImage({ engine, run, journal }: TemporaryScope, signal: AbortSignal): Promise<string> {
  const repo = scratchRepo
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
