import type { ApiClient } from './api-client.ts'
import type { ContainerInspect } from './api-types.ts'
import { attachTo } from './attach.ts'
import { runInContainer, startInContainer } from './exec.ts'
import type { CallOptions, CommitRequest, ContainerSummary, ContainerVerbs } from './engine.ts'
import { fromReportedFailure } from './engine-error.ts'
import { readLog } from './log-text.ts'
import { decodePathStat } from './path-stat.ts'
import { encodeName, parseAnswer, plainList, plainVerb, type Pace } from './plain-verbs.ts'
import { readToEnd } from './read-to-end.ts'
import { unlessMissing } from './unless-missing.ts'
import type Docker from 'dockerode'

/** The verbs on containers. Those that the engine may take long over have no deadline; see api-client.ts. */
export function containerVerbs(client: ApiClient): ContainerVerbs {
  const on = async (pace: Pace, doing: string, id: string, options: CallOptions | undefined, verb: (container: Docker.Container) => Promise<unknown>): Promise<unknown> =>
    plainVerb(client, pace, `${doing} container "${id}"`, options?.signal, async docker => verb(docker.getContainer(encodeName(id))))
  const path = (id: string, action: string): string => `/containers/${encodeName(id)}/${action}`
  return {
    async list(filters, options) {
      const found = await plainList(client, 'listing the containers', '/containers/json', { all: true, ...(filters ? { filters } : {}) }, options?.signal)
      return found as ContainerSummary[]
    },
    async inspect(id, options) {
      // Sizes are counted by walking the writable layer.
      const pace = options?.size === true ? 'patient' : 'quick'
      return (await on(pace, 'inspecting', id, options, async container => container.inspect((options?.size === true ? { size: true } : {}) as Docker.ContainerInspectOptions))) as ContainerInspect
    },
    async create(body, query, options) {
      const doing = query.name === undefined ? 'creating a container' : `creating container "${query.name}"`
      const answer = parseAnswer(await client.patient({ method: 'POST', path: '/containers/create', query, json: body, doing, signal: options?.signal })) as { Id: string; Warnings?: string[] | null }
      return { id: answer.Id, warnings: answer.Warnings ?? [] }
    },
    async start(id, options) {
      await on('patient', 'starting', id, options, async container => container.start())
    },
    async stop(id, query, options) {
      await on('patient', 'stopping', id, options, async container => container.stop(query?.timeoutSeconds === undefined ? {} : { t: query.timeoutSeconds }))
    },
    async kill(id, signalName, options) {
      await on('quick', 'killing', id, options, async container => container.kill(signalName === undefined ? {} : { signal: signalName }))
    },
    async pause(id, options) {
      await on('quick', 'pausing', id, options, async container => container.pause())
    },
    async unpause(id, options) {
      await on('quick', 'unpausing', id, options, async container => container.unpause())
    },
    async rename(id, name, options) {
      await on('quick', 'renaming', id, options, async container => container.rename({ name }))
    },
    async remove(id, query, options) {
      await unlessMissing(on('patient', 'removing', id, options, async container => container.remove({ force: query?.force ?? false, v: query?.volumes ?? false })))
    },
    async wait(id, condition, options) {
      const { StatusCode, Error: failure } = (await on('patient', 'waiting for', id, options, async container => container.wait({ condition }))) as { StatusCode: number; Error?: { Message?: string } | null }
      if (failure?.Message !== undefined && failure.Message !== '') throw fromReportedFailure(failure.Message, `waiting for container "${id}"`)
      return StatusCode
    },
    async changes(id, options) {
      return ((await on('patient', 'listing the changes of', id, options, async container => container.changes())) as { Path: string; Kind: 0 | 1 | 2 }[] | null) ?? []
    },
    async commit(request, options) {
      const answer = await client.patient({ method: 'POST', path: '/commit', query: commitQuery(request), doing: `committing container "${request.container}"`, signal: options?.signal })
      return (parseAnswer(answer) as { Id: string }).Id
    },
    async export(id, options) {
      return (await client.download({ method: 'GET', path: path(id, 'export'), doing: `exporting container "${id}"`, signal: options?.signal })).body
    },
    async getArchive(id, source, options) {
      return (await client.download({ method: 'GET', path: path(id, 'archive'), query: { path: source }, doing: `reading "${source}" of container "${id}"`, signal: options?.signal })).body
    },
    async putArchive(id, target, tar, options) {
      const request = { method: 'PUT', path: path(id, 'archive'), query: { path: target }, doing: `writing to "${target}" of container "${id}"`, signal: options?.signal } as const
      await client.upload(request, tar, readToEnd)
    },
    async statArchive(id, target, options) {
      const answer = await client.quick({ method: 'HEAD', path: path(id, 'archive'), query: { path: target }, doing: `looking at "${target}" of container "${id}"`, signal: options?.signal })
      return decodePathStat(answer.headers['x-docker-container-path-stat'])
    },
    async attach(id, wanted, options) {
      return attachTo(client, id, wanted, options)
    },
    async exec(id, command, options) {
      return runInContainer(client, id, command, options)
    },
    async startExec(id, command, options) {
      return startInContainer(client, id, command, options)
    },
    async update(id, body, options) {
      await on('quick', 'updating', id, options, async container => container.update(body))
    },
    async logs(id, { tail }, options) {
      return readLog(client, id, tail, options)
    },
  }
}

function commitQuery({ container, repo, tag, pause, author, comment, changes }: CommitRequest): Record<string, string | boolean | readonly string[] | undefined> {
  return { container, repo, tag, pause, author, comment, changes }
}
