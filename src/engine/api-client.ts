import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Readable, Duplex } from 'node:stream'
import { readAnswer, responseTo, StaleSocket, successOf, type ApiAnswer } from './api-answer.ts'
import { bodyStream } from './body-stream.ts'
import type { EngineAgent } from './engine-agent.ts'
import { ApiFailure, fromCall, NoAnswerInTime } from './engine-error.ts'
import { Gate } from './gate.ts'
import { onAbort } from './on-abort.ts'
import { sendBody } from './send-body.ts'
import { toError } from './to-error.ts'

/**
 * The one way every request goes. docker-modem is not used: it pipes uploads without ending their source when the engine
 * says no, never settles when a body is cut, reads DOCKER_HOST behind the caller's back, and its timeouts kill streams
 * that are silent for long (ENGINE-FACTS 8). dockerode's verbs run on this client through `modem` (plain-verbs.ts).
 */
export type ApiRequest = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** Without the version; every part that is a name is encoded already. */
  readonly path: string
  readonly query?: Readonly<Record<string, QueryValue>>
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** In the -ing form, for messages: `pausing container "web"`. */
  readonly doing: string
  readonly signal?: AbortSignal | undefined
}

type QueryValue = string | number | boolean | readonly string[] | Readonly<Record<string, unknown>> | undefined

/** How long a short call may take, from the first byte to the last. */
const deadlineSeconds = 60
/** Short calls at a time: an ssh server takes ten sessions on a connection as a rule, and streams need some. */
const mostQuickCalls = 4

export class ApiClient {
  readonly address: string
  readonly #agent: EngineAgent
  readonly #quickCalls = new Gate(mostQuickCalls)
  readonly #host: string
  /** The version all calls are made with; until it is known, the newest of the engine answers. */
  apiVersion: string | undefined

  constructor(address: string, host: string, agent: EngineAgent) {
    this.address = address
    this.#host = host
    this.#agent = agent
  }

  /** A call that the engine answers at once. Fails with `engine-unreachable` after a minute. */
  async quick(request: ApiRequest): Promise<ApiAnswer> {
    return this.#translated(request, async () => this.#quickCalls.run(async () => this.#toItsEnd(request, async sent => {
      const late = new AbortController()
      const timer = setTimeout(() => late.abort(new NoAnswerInTime(deadlineSeconds)), deadlineSeconds * 1000)
      try {
        return await readAnswer(await this.#respond(sent, late.signal))
      } catch (thrown) {
        throw late.signal.aborted ? late.signal.reason : thrown
      } finally {
        clearTimeout(timer)
      }
    })))
  }

  /** A call that may take as long as it takes. */
  async patient(request: ApiRequest): Promise<ApiAnswer> {
    return this.#translated(request, async () => this.#toItsEnd(request, async sent => readAnswer(await this.#respond(sent))))
  }

  /** A body that is read as it comes. It fails when it ends early or when the signal fires; destroying it ends the request. */
  async download(request: ApiRequest): Promise<{ headers: IncomingMessage['headers']; body: Readable }> {
    return this.#translated(request, async () => {
      const response = await successOf(await this.#respond(request))
      return { headers: response.headers, body: this.#bodyOf(response, request) }
    })
  }

  /**
   * Sends `source` and hands the answer's body to `read`. The source is destroyed when the engine says no; its own failure
   * ends the request and is thrown as it is. When the engine is content before the source has ended, the rest is read to
   * its end, so that a check at the end of the source still takes place.
   */
  async upload<Result>(request: ApiRequest, source: Readable, read: (body: Readable) => Promise<Result>): Promise<Result> {
    const sourceFailures: unknown[] = []
    const forget = onAbort(request.signal, () => source.destroy())
    const state: { call?: ClientRequest; isDone: boolean } = { isDone: false }
    try {
      return await this.#translated(request, async () => {
        const call = this.#open(request, { 'Content-Type': 'application/x-tar', 'Transfer-Encoding': 'chunked', Expect: '100-continue' })
        state.call = call
        const sent = sendBody(call, source).catch((thrown: unknown) => void sourceFailures.push(thrown))
        const response = await successOf(await responseTo(call))
        const result = await read(this.#bodyOf(response, request))
        await sent
        if (sourceFailures.length > 0) throw sourceFailures[0]
        state.isDone = call.writableFinished
        return result
      })
    } catch (thrown) {
      throw sourceFailures.length === 0 || request.signal?.aborted === true ? thrown : sourceFailures[0]
    } finally {
      forget()
      if (!state.isDone) state.call?.destroy()
      source.on('error', () => undefined).destroy()
    }
  }

  /** Turns the connection into a raw two-way stream. */
  async hijack(request: ApiRequest): Promise<Duplex> {
    return this.#translated(request, async () => {
      const call = this.#open(request, { Connection: 'Upgrade', Upgrade: 'tcp' })
      return new Promise<Duplex>((resolve, reject) => {
        call.once('upgrade', (_response: IncomingMessage, socket: Duplex, head: Buffer) => {
          if (head.length > 0) socket.unshift(head)
          resolve(socket)
        })
        call.once('response', response => {
          successOf(response).then(() => reject(new ApiFailure(response.statusCode ?? 0, 'the engine did not hand over the connection')), reject)
        })
        call.once('error', reject)
        call.end(encodeBody(request))
      })
    })
  }

  /**
   * A change that the engine has been asked for is waited for, also when the signal fires, which is thrown then: an engine
   * does not stop when its client goes, and whoever undoes the change must not come before it.
   */
  async #toItsEnd(request: ApiRequest, send: (request: ApiRequest) => Promise<ApiAnswer>): Promise<ApiAnswer> {
    const changes = request.method !== 'GET' && request.method !== 'HEAD' && !request.path.endsWith('/wait')
    if (!changes) return await send(request)
    request.signal?.throwIfAborted()
    const answer = await send({ ...request, signal: undefined })
    request.signal?.throwIfAborted()
    return answer
  }

  /** Sends a request without a stream. A reading one is sent again when a kept connection had just been closed. */
  async #respond(request: ApiRequest, late?: AbortSignal): Promise<IncomingMessage> {
    const once = async (): Promise<IncomingMessage> => {
      const call = this.#open(request)
      onAbort(late, reason => call.destroy(reason))
      call.end(encodeBody(request))
      return responseTo(call)
    }
    for (;;) {
      try {
        return await once()
      } catch (thrown) {
        // Ends: there are a few kept connections at most, and a new one is never stale.
        const isSafe = request.method === 'GET' || request.method === 'HEAD'
        if (!(isSafe && thrown instanceof StaleSocket)) throw thrown
      }
    }
  }

  #open(request: ApiRequest, headers: Record<string, string> = {}): ClientRequest {
    request.signal?.throwIfAborted()
    const body = request.json === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': encodeBody(request)?.length ?? 0 }
    const version = this.apiVersion === undefined ? '' : `/v${this.apiVersion}`
    const path = `${version}${request.path}${encodeQuery(request.query)}`
    const call = httpRequest({ agent: this.#agent, method: request.method, path, headers: { Host: this.#host, 'User-Agent': 'drayage', ...body, ...request.headers, ...headers } })
    const forget = onAbort(request.signal, reason => call.destroy(reason))
    call.once('close', forget)
    return call
  }

  #bodyOf(response: IncomingMessage, request: ApiRequest): Readable {
    return bodyStream(response, thrown => toError(fromCall(thrown, { ...request, address: this.address })), request.signal)
  }

  async #translated<Result>(request: ApiRequest, run: () => Promise<Result>): Promise<Result> {
    try {
      return await run()
    } catch (thrown) {
      throw fromCall(thrown instanceof StaleSocket ? thrown.cause : thrown, { ...request, address: this.address })
    }
  }
}

function encodeBody({ json }: ApiRequest): Buffer | undefined {
  return json === undefined ? undefined : Buffer.from(JSON.stringify(json))
}

/** Objects (filters) as JSON, lists as repeated keys, undefined left out. */
function encodeQuery(query: ApiRequest['query']): string {
  const pairs = new URLSearchParams()
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue
    if (Array.isArray(value)) for (const each of value as string[]) pairs.append(key, each)
    else pairs.append(key, typeof value === 'object' ? JSON.stringify(value) : String(value))
  }
  const text = pairs.toString()
  return text === '' ? '' : `?${text}`
}
