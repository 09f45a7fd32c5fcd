import type Docker from 'dockerode'
import { createRequire } from 'node:module'
import type { ApiAnswer } from './api-answer.ts'
import type { ApiClient, ApiRequest } from './api-client.ts'

/** What dockerode's verbs hand to their modem. */
type DialOptions = { readonly path: string; readonly method: ApiRequest['method']; readonly options?: Record<string, unknown> }

type Objects = Pick<Docker, 'getContainer' | 'getImage' | 'getNetwork' | 'getVolume'>

/**
 * dockerode's objects, without the module that has them all: that one loads ssh2, gRPC and protobuf for builds and for its own
 * modem, 100 ms and 6 MB of heap in every command. With those the heap is also large enough for V8 to mark all of it each time
 * some 20 MB of buffers have passed.
 */
const load = createRequire(import.meta.url)
const Container = load('dockerode/lib/container') as new (modem: object, id: string) => Docker.Container
const Image = load('dockerode/lib/image') as new (modem: object, name: string) => Docker.Image
const Network = load('dockerode/lib/network') as new (modem: object, id: string) => Docker.Network
const Volume = load('dockerode/lib/volume') as new (modem: object, name: string) => Docker.Volume

/** `quick` calls fail after a minute without an answer; `patient` ones wait. */
export type Pace = 'quick' | 'patient'

/**
 * dockerode on our own client. The modem is made for one call, so that signal, deadline and words reach verbs that take no
 * options at all (Image.inspect, history). Verbs of dockerode that drop a part of the answer (createContainer's warnings)
 * or whose body is a stream are called on the client directly.
 */
export async function plainVerb(client: ApiClient, pace: Pace, doing: string, signal: AbortSignal | undefined, verb: (docker: Objects) => Promise<unknown>): Promise<unknown> {
  const modem = {
    Promise,
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
  return verb({
    getContainer: id => new Container(modem, id),
    getImage: name => new Image(modem, name),
    getNetwork: id => new Network(modem, id),
    getVolume: name => new Volume(modem, name),
  })
}

/** What an engine has of one kind. */
export async function plainList(client: ApiClient, doing: string, path: string, query: ApiRequest['query'], signal: AbortSignal | undefined): Promise<unknown> {
  return parseAnswer(await client.quick({ method: 'GET', path, ...(query ? { query } : {}), doing, signal }))
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
