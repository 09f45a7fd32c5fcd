import { ancestorsOf, toLayerPath, type LayerCover, type LayerPath } from './layer-cover.ts'
import { membersOf, type LayerMember, type LayerSource } from './layer-members.ts'

/** The first name of a file that is not hidden, with the directories of the layer that it lies in, from the root down. */
export type Move = { readonly to: LayerPath; readonly folders: readonly Folder[] }

type Folder = { readonly path: LayerPath; readonly headers: readonly Buffer[] }

/** Files of a layer whose first name is hidden by those above while another one, a hard link, is not: by that first name. */
export async function findMoves(open: LayerSource, cover: LayerCover): Promise<Map<LayerPath, Move>> {
  const moves = new Map<LayerPath, Move>()
  let folders: Folder[] = []
  for await (const { entry, headers, body } of membersOf(open())) {
    const [path, target] = [toLayerPath(entry.name), toLayerPath(entry.linkName)]
    const above = new Set(ancestorsOf(path))
    folders = folders.filter(folder => above.has(folder.path))
    if (entry.type === '5') folders.push({ path, headers })
    if (entry.type === '1' && !moves.has(target) && cover.hides(target) && !cover.hides(path)) moves.set(target, { to: path, folders })
    await toEnd(body)
  }
  return moves
}

async function toEnd(body: LayerMember['body']): Promise<void> {
  while ((await body.next()).done !== true);
}
