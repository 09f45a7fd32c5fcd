import { peerOnTarget } from './peers.ts'
import type { ReplayContext } from './replay-context.ts'

/** Inspect shows "/target:/self/alias"; create wants "target:alias". */
export function parseLink(link: string): { readonly target: string; readonly alias: string } {
  const [target = '', alias = target] = link.split(':')
  return { target: target.replace(/^\//, ''), alias: alias.replace(/^.*\//, '') }
}

export function linkToSend(link: string, context: ReplayContext): string | undefined {
  const { target, alias } = parseLink(link)
  const peer = peerOnTarget(target, 'is linked to', context)
  return peer === undefined ? undefined : `${peer}:${alias}`
}
