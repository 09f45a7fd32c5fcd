import type { Readable } from 'node:stream'
import type { ApiClient } from './api-client.ts'
import { fromReportedFailure } from './engine-error.ts'
import type { CallOptions, LoadReport } from './engine.ts'
import { failureIn, readNdjson } from './ndjson.ts'

/**
 * POST /images/load. The answer is a success from the start, so its lines decide: an errorDetail fails, and so does
 * "Error unpacking image …", which a containerd store of 27.2 and newer reports as if all were well.
 */
export async function loadImages(client: ApiClient, tar: Readable, options?: CallOptions): Promise<LoadReport> {
  const doing = 'loading an image'
  // quiet=0 keeps the connection busy with progress where the engine has any.
  const request = { method: 'POST', path: '/images/load', query: { quiet: false }, doing, signal: options?.signal } as const
  return client.upload(request, tar, async body => readLoadReport(body, doing))
}

export async function readLoadReport(body: AsyncIterable<Uint8Array>, doing: string): Promise<LoadReport> {
  const names: string[] = []
  const ids: string[] = []
  for await (const value of readNdjson(body)) {
    const failure = failureIn(value)
    if (failure !== undefined) throw fromReportedFailure(failure, doing)
    const line = typeof value === 'object' && value !== null && 'stream' in value ? String(value.stream).trim() : ''
    if (line.startsWith('Error unpacking image')) throw fromReportedFailure(line, doing)
    const id = /^Loaded image ID: (\S+)$/.exec(line)?.[1]
    const name = /^Loaded image: (\S+)$/.exec(line)?.[1]
    if (id !== undefined) ids.push(id)
    else if (name !== undefined) names.push(name)
  }
  return { names, ids }
}
