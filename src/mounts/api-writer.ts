import { Readable } from 'node:stream'
import { unlessMissing } from '../engine/unless-missing.ts'
import { DrayError } from '../errors/dray-error.ts'
import { createApiContainer, cutArchive } from './api-container.ts'
import { describeTarget } from './engine-mount.ts'
import type { MountTarget, MountWriter } from './mount-access.ts'
import { archiveMount, prefixNames } from './mount-prefix.ts'
import { editMembers, paxRecords, type MemberHeaders } from './tar-members.ts'
import type { TemporaryScope } from './temporary-objects.ts'

export const apiWriteLosses = [
  'holes of sparse files: they are written as zeros',
  'times before 1970',
  'extended attributes without a value',
  'the absence of an ACL below a directory with a default ACL: it is inherited',
] as const

/** Writes by PUT archive at "/" of a container that is never started. It cannot list, nor remove what is there. */
export async function apiWriter(scope: TemporaryScope, target: MountTarget, signal: AbortSignal): Promise<MountWriter> {
  const { engine } = scope
  const container = await createApiContainer(scope, target, 'write', signal)
  const what = describeTarget(target)
  const losses = engine.facts.serverVersion.startsWith('20.10.') ? [...apiWriteLosses, 'the setuid bit of files with hard links'] : apiWriteLosses
  const isEmpty = async (until: AbortSignal) => {
    if (target.kind === 'file') return fileIsEmpty(until)
    let members = 0
    const tar = await engine.containers.getArchive(container.name, `${archiveMount}/.`, { signal: until })
    const cut = () => cutArchive(what)
    const count = ({ header }: { header: Buffer }) => {
      if (!isLostAndFound(header)) members++
      return true
    }
    try {
      for await (const chunk of editMembers(tar as AsyncIterable<Buffer>, count, cut)) if (members > 1 && chunk.length > 0) break
    } finally {
      tar.destroy()
    }
    return members <= 1
  }
  return {
    kind: 'api',
    losses,
    canList: false,
    isEmpty,
    findFixed: () => Promise.resolve(undefined),
    async empty(until) {
      if (await isEmpty(until)) return
      throw new DrayError('conflict', `${what} is not empty, and the engine's archive endpoints cannot empty it`, { hints: ['choose another way with --reader helper or --reader host', 'restore into a new volume with --map-volume'] })
    },
    async write(tar, until) {
      const rename = (member: MemberHeaders) => {
        prefixNames(member)
        if (target.kind === 'file') expectName(member, target.path, what)
        return true
      }
      const renamed = Readable.from(editMembers(copiesOf(tar), rename, () => new DrayError('damaged', `write ${what}: the tar ends too early`)), { objectMode: false })
      try {
        await engine.containers.putArchive(container.name, '/', renamed, { signal: until })
      } finally {
        renamed.destroy()
      }
      return { problems: [] }
    },
    list: () => {
      throw new Error('the api writer cannot list')
    },
    [Symbol.asyncDispose]: () => container.dispose(),
  }

  async function fileIsEmpty(until: AbortSignal): Promise<boolean> {
    const name = target.kind === 'file' ? target.path.slice(target.path.lastIndexOf('/')) : ''
    const file = await unlessMissing(engine.containers.statArchive(container.name, `${archiveMount}${name}`, { signal: until }))
    return file === undefined || file.size === 0
  }
}

/** For whoever needs a piece longer than until the next one is asked for. */
async function* copiesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece)
}

/** Under its old name a single file would be written over a file beside it. */
function expectName({ extended, header }: MemberHeaders, path: string, what: string): void {
  const ownName = header.subarray(0, 100)
  let name = ownName.subarray(0, ownName.includes(0) ? ownName.indexOf(0) : 100)
  for (const { header: own, payload } of extended) {
    if (own[156] !== 0x78) continue
    for (const { key, from, to } of paxRecords(payload)) if (key === 'path' || key === 'GNU.sparse.name') name = payload.subarray(from, to)
  }
  if (name.equals(Buffer.from(`${archiveMount.slice(1)}${path.slice(path.lastIndexOf('/'))}`))) return
  throw new DrayError('refused', `${what} had another name, and the engine's archive endpoints cannot rename it`, { hints: ['choose another way with --reader helper or --reader host', 'keep the name of the file: --map-bind /a/FILE:/b/FILE'] })
}

function isLostAndFound(header: Buffer): boolean {
  return header.toString('latin1', 0, 14) === './lost+found/\0'
}
