import Docker from 'dockerode'
import type { ApiAnswer, ApiClient, ApiRequest } from './api-client.ts'

/** What dockerode's verbs hand to their modem. */
type DialOptions = { readonly path: string; readonly method: ApiRequest['method']; readonly options?: Record<string, unknown> }

/** `quick` calls fail after a minute without an answer; `patient` ones wait. */
export type Pace = 'quick' | 'patient'

/**
 * dockerode on our own client. The modem is made for one call, so that signal, deadline and words reach verbs that take no
 * options at all (Image.inspect, history). Verbs of dockerode that drop a part of the answer (createContainer's warnings)
 * or whose body is a stream are called on the client directly.
 */
export async function plainVerb(client: ApiClient, pace: Pace, doing: string, signal: AbortSignal | undefined, verb: (docker: Docker) => Promise<unknown>): Promise<unknown> {
  const modem = {
    dial({ path, method, options = {} }: DialOptions, callback: (error: unknown, value?: unknown) => void): void {
      // dockerode marks a path that takes its options as a query by a trailing "?", except for GET, where nothing else is possible.
      const { _query, _body, ...plain } = options
      const inQuery = method !== 'POST' || path.endsWith('?')
      const query = (_query ?? (inQuery ? plain : undefined)) as ApiRequest['query']
      const json = method === 'POST' ? (_body ?? (inQuery ? undefined : plain)) : undefined
      const request: ApiRequest = { method, path: path.replace(/\?$/, ''), ...(query ? { query } : {}), ...(json === undefined ? {} : { json }), doing, signal }
      client[pace](request).then(answer => callback(null, parseAnswer(answer)), callback)
    },
  }
  return verb(new Docker({ modem } as unknown as Docker.DockerOptions))
}

/** The JSON of an answer; a body that is not JSON (empty after 204) as text. */
export function parseAnswer({ body }: ApiAnswer): unknown {
  const text = body.toString()
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A name or id as a part of a path. References keep their slashes. */
export function encodeName(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/')
}
