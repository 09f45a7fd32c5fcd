import type { ReplayContext } from './replay-context.ts'
import { nameOf, type ContainerRecord, type Peer } from './spec-record.ts'

/** The recorded container that an id, a short id or a name means. */
export function findPeer({ peers }: ContainerRecord, reference: string): Peer | undefined {
  const name = reference.replace(/^\//, '')
  return peers.find(peer => peer.name === name || peer.id === name) ?? (/^[0-9a-f]{12,}$/.test(name) ? peers.find(peer => peer.id.startsWith(name)) : undefined)
}

/** The name of the target's container that stands for the recorded one; an obstacle when there is none. */
export function peerOnTarget(reference: string, purpose: string, context: ReplayContext): string | undefined {
  const name = findPeer(context.record, reference)?.name ?? reference.replace(/^\//, '')
  const found = context.peers.get(name)
  if (found !== undefined) return found.name
  const self = nameOf(context.record.inspect)
  context.obstacles.push({ text: `container "${self}" ${purpose} container "${name}", which is not on the target`, hint: `bring "${name}" there first, or both together` })
  return undefined
}
