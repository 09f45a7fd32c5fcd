import type { Readable } from 'node:stream'
import { DrayError } from '../errors/dray-error.ts'
import type { ApiClient } from './api-client.ts'
import { fromReportedFailure } from './engine-error.ts'
import type { CallOptions } from './engine.ts'
import { failureIn, readNdjson } from './ndjson.ts'

export type ImportQuery = { repo?: string; tag?: string; changes?: readonly string[]; message?: string; platform?: string }

/** POST /images/create?fromSrc=-: the answer's last status is the new image's id. */
export async function importRootfs(client: ApiClient, tar: Readable, query: ImportQuery, options?: CallOptions): Promise<string> {
  const doing = query.repo === undefined ? 'importing a file system' : `importing a file system as "${query.repo}${query.tag === undefined ? '' : `:${query.tag}`}"`
  return client.upload({ method: 'POST', path: '/images/create', query: { fromSrc: '-', ...query }, doing, signal: options?.signal }, tar, async body => {
    let id: string | undefined
    for await (const value of readNdjson(body)) {
      const failure = failureIn(value)
      if (failure !== undefined) throw fromReportedFailure(failure, doing)
      const status = typeof value === 'object' && value !== null && 'status' in value ? String(value.status) : ''
      id = /^sha256:[0-9a-f]{64}$/.exec(status)?.[0] ?? id
    }
    if (id === undefined) throw new DrayError('refused', `${doing}: the engine named no image`)
    return id
  })
}
