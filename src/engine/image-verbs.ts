import type { ApiClient } from './api-client.ts'
import type { ImageInspect } from './api-types.ts'
import type { ImageVerbs } from './engine.ts'
import { importRootfs } from './import-rootfs.ts'
import { loadImages } from './load-images.ts'
import { encodeName, plainList, plainVerb } from './plain-verbs.ts'
import { pullImage, pushImage } from './registry-calls.ts'
import { unlessMissing } from './unless-missing.ts'

export function imageVerbs(client: ApiClient): ImageVerbs {
  return {
    async list(options) {
      const query = { ...(options?.all === undefined ? {} : { all: options.all }), ...(options?.filters ? { filters: options.filters } : {}) }
      const found = await plainList(client, 'listing the images', '/images/json', query, options?.signal)
      return found as Awaited<ReturnType<ImageVerbs['list']>>
    },
    async inspect(ref, options) {
      const query = options?.manifests === true ? { manifests: true } : {}
      const found = await plainVerb(client, 'quick', `inspecting image "${ref}"`, options?.signal, async docker => docker.getImage(encodeName(ref)).inspect(query))
      return found as ImageInspect
    },
    async history(ref, options) {
      const steps = await plainVerb(client, 'quick', `reading the history of image "${ref}"`, options?.signal, async docker => docker.getImage(encodeName(ref)).history())
      return steps as Record<string, unknown>[]
    },
    async save(ref, options) {
      return (await client.download({ method: 'GET', path: `/images/${encodeName(ref)}/get`, doing: `saving image "${ref}"`, signal: options?.signal })).body
    },
    async load(tar, options) {
      return loadImages(client, tar, options)
    },
    async tag(ref, repo, tag, options) {
      await plainVerb(client, 'quick', `tagging image "${ref}" as "${repo}:${tag}"`, options?.signal, async docker => docker.getImage(encodeName(ref)).tag({ repo, tag }))
    },
    async remove(ref, query, options) {
      const flags = { force: query?.force ?? false, noprune: query?.noprune ?? true }
      await unlessMissing(plainVerb(client, 'patient', `removing image "${ref}"`, options?.signal, async docker => docker.getImage(encodeName(ref)).remove(flags)))
    },
    async push(ref, options) {
      return pushImage(client, ref, options)
    },
    async pull(ref, options) {
      await pullImage(client, ref, options)
    },
    async importRootfs(tar, query, options) {
      return importRootfs(client, tar, query, options)
    },
  }
}
