import type { ApiClient } from './api-client.ts'
import type { NetworkInspect } from './api-types.ts'
import type { CallOptions, NetworkVerbs } from './engine.ts'
import { encodeName, parseAnswer, plainList, plainVerb } from './plain-verbs.ts'
import { unlessMissing } from './unless-missing.ts'
import type Docker from 'dockerode'

export function networkVerbs(client: ApiClient): NetworkVerbs {
  const on = async (doing: string, id: string, options: CallOptions | undefined, verb: (network: Docker.Network) => Promise<unknown>): Promise<unknown> =>
    plainVerb(client, 'quick', `${doing} network "${id}"`, options?.signal, async docker => verb(docker.getNetwork(encodeName(id))))
  return {
    async list(filters, options) {
      const found = await plainList(client, 'listing the networks', '/networks', filters ? { filters } : {}, options?.signal)
      return found as NetworkInspect[]
    },
    async inspect(id, options) {
      const found = await on('inspecting', id, options, async network => network.inspect())
      return found as NetworkInspect
    },
    async create(body, options) {
      const doing = `creating network "${String(body['Name'])}"`
      return (parseAnswer(await client.quick({ method: 'POST', path: '/networks/create', json: body, doing, signal: options?.signal })) as { Id: string }).Id
    },
    async connect(id, body, options) {
      await on('connecting a container to', id, options, async network => network.connect(body))
    },
    async disconnect(id, body, options) {
      await on(`disconnecting container "${body.Container}" from`, id, options, async network => network.disconnect(body))
    },
    async remove(id, options) {
      await unlessMissing(on('removing', id, options, async network => network.remove()))
    },
  }
}
