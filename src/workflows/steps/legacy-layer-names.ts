import { createHash } from 'node:crypto'

const mostLayerJsonBytes = 256 * 1024

type LayerJson = Readonly<Record<string, unknown>>

/**
 * Tells which layer lies in which folder of an archive of docker 24 and older, before it is read. The folder `<id>/` holds a
 * `json` and then a `layer.tar`, and the id is the sha256 of that json with the layer's chain id in it: so the chain id that
 * gives the folder's name is the layer's. A layer that is not recognised is still recognised by its content, afterwards.
 */
export class LegacyLayerNames {
  readonly #chain: readonly { readonly diffId: string; readonly chainId: string }[]
  readonly #found = new Map<string, string>()

  constructor(diffIds: readonly string[]) {
    const chainIds = chainIdsOf(diffIds)
    this.#chain = diffIds.map((diffId, at) => ({ diffId, chainId: chainIds[at] ?? '' }))
  }

  /** To be called with each `<id>/json`. */
  learn(id: string, json: Buffer): void {
    const layer = json.length <= mostLayerJsonBytes ? parse(json) : undefined
    if (layer === undefined) return
    const found = this.#chain.find(({ chainId }) => [{ os: undefined }, {}].some(without => sha256(identityOf({ ...layer, ...without }, chainId)) === `sha256:${id}`))
    if (found !== undefined) this.#found.set(id, found.diffId)
  }

  /** The diffID of `<id>/layer.tar`, as the engine means it. */
  diffIdOf(id: string): string | undefined {
    return this.#found.get(id)
  }
}

/** What names a layer together with all that lie below it, from the bottom. */
export function chainIdsOf(diffIds: readonly string[]): string[] {
  let chainId = ''
  return diffIds.map(diffId => (chainId = chainId === '' ? diffId : sha256(`${chainId} ${diffId}`)))
}

/** As Go writes a map of what it read: sorted keys, and three characters of HTML escaped. `os` is in it for the topmost layer only. */
function identityOf(fields: LayerJson, chainId: string): string {
  const parent = typeof fields['parent'] === 'string' ? { parent: `sha256:${fields['parent']}` } : {}
  const all: LayerJson = { ...fields, ...parent, id: undefined, layer_id: chainId }
  const sorted = Object.fromEntries(Object.keys(all).sort().map(key => [key, all[key]]))
  return JSON.stringify(sorted).replaceAll(/[<>&\u2028\u2029]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function parse(json: Buffer): LayerJson | undefined {
  try {
    const value: unknown = JSON.parse(json.toString())
    return typeof value === 'object' && value !== null ? (value as LayerJson) : undefined
  } catch {
    return undefined
  }
}

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
