import type { ApiClient } from './api-client.ts'
import type { VolumeInspect } from './api-types.ts'
import type { VolumeVerbs } from './engine.ts'
import { encodeName, parseAnswer, plainList, plainVerb } from './plain-verbs.ts'
import { unlessMissing } from './unless-missing.ts'

export function volumeVerbs(client: ApiClient): VolumeVerbs {
  return {
    async list(filters, options) {
      const found = (await plainList(client, 'listing the volumes', '/volumes', filters ? { filters } : {}, options?.signal)) as { Volumes: VolumeInspect[] | null }
      return found.Volumes ?? []
    },
    async inspect(name, options) {
      return (await plainVerb(client, 'quick', `inspecting volume "${name}"`, options?.signal, async docker => docker.getVolume(encodeName(name)).inspect())) as VolumeInspect
    },
    async create(body, options) {
      // dockerode answers with the name alone. A volume plugin may take its time.
      const doing = body.Name === undefined ? 'creating a volume' : `creating volume "${body.Name}"`
      return parseAnswer(await client.patient({ method: 'POST', path: '/volumes/create', json: body, doing, signal: options?.signal })) as VolumeInspect
    },
    async remove(name, query, options) {
      await unlessMissing(plainVerb(client, 'patient', `removing volume "${name}"`, options?.signal, async docker => docker.getVolume(encodeName(name)).remove({ force: query?.force ?? false })))
    },
  }
}
