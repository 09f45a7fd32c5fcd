import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Readable, Duplex } from 'node:stream'
import { bodyStream } from './body-stream.ts'
import type { EngineAgents } from './engine-agent.ts'
import { ApiFailure, fromCall, NoAnswerInTime } from './engine-error.ts'
import { errnoOf } from '../errors/system-error.ts'

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
  /** In the -ing form, for messages: `pausing container "web"`. */
  readonly doing: string
  readonly signal?: AbortSignal | undefined
}

type QueryValue = string | number | boolean | readonly string[] | Readonly<Record<string, unknown>> | undefined

export type ApiAnswer = { readonly status: number; readonly headers: IncomingMessage['headers']; readonly body: Buffer }

/** How long a short call may take, from the first byte to the last. */
const deadlineSeconds = 60
/** How long an upload waits for the engine's word to go on before it starts anyway: not every proxy passes that word on. */
const continueWaitMs = 1000
const mostErrorText = 64 * 1024

export class ApiClient {
  readonly address: string
  readonly #agents: EngineAgents
  readonly #host: string
  /** The version all calls are made with; until it is known, the newest of the engine answers. */
  apiVersion: string | undefined

  constructor(address: string, host: string, agents: EngineAgents) {
    this.address = address
    this.#host = host
    this.#agents = agents
  }

  /** A call that the engine answers at once. Fails with `engine-unreachable` after a minute. */
  async quick(request: ApiRequest): Promise<ApiAnswer> {
    return this.#translated(request, async () => {
      try {
        return await this.#quickOnce(request)
      } catch (thrown) {
        if (thrown instanceof StaleSocket && (request.method === 'GET' || request.method === 'HEAD')) return await this.#quickOnce(request)
        throw thrown
      }
    })
  }

  /** A call that may take as long as it takes. */
  async patient(request: ApiRequest): Promise<ApiAnswer> {
    return this.#translated(request, async () => {
      const call = this.#open(request)
      call.end(encodeBody(request))
      return readAnswer(await responseTo(call))
    })
  }

  /** A body that is read as it comes. It fails when it ends early or when the signal fires; destroying it ends the request. */
  async download(request: ApiRequest): Promise<{ headers: IncomingMessage['headers']; body: Readable }> {
    return this.#translated(request, async () => {
      const call = this.#open(request)
      call.end(encodeBody(request))
      const response = await successOf(await responseTo(call))
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
    const stopSource = (): void => void source.destroy()
    request.signal?.addEventListener('abort', stopSource, { once: true })
    let call: ClientRequest | undefined
    try {
      return await this.#translated(request, async () => {
        call = this.#open(request, { 'Content-Type': 'application/x-tar', 'Transfer-Encoding': 'chunked', Expect: '100-continue' })
        const sent = sendBody(call, source).catch((thrown: unknown) => void sourceFailures.push(thrown))
        const response = await successOf(await responseTo(call))
        const result = await read(this.#bodyOf(response, request))
        await sent
        if (sourceFailures.length > 0) throw sourceFailures[0]
        return result
      })
    } catch (thrown) {
      throw sourceFailures.length === 0 || request.signal?.aborted === true ? thrown : sourceFailures[0]
    } finally {
      request.signal?.removeEventListener('abort', stopSource)
      call?.destroy()
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

  async #quickOnce(request: ApiRequest): Promise<ApiAnswer> {
    const call = this.#open(request, {}, 'shared')
    const deadline = setTimeout(() => call.destroy(new NoAnswerInTime(deadlineSeconds)), deadlineSeconds * 1000)
    try {
      call.end(encodeBody(request))
      return await readAnswer(await responseTo(call))
    } finally {
      clearTimeout(deadline)
    }
  }

  #open(request: ApiRequest, headers: Record<string, string> = {}, agent: 'shared' | 'own' = 'own'): ClientRequest {
    request.signal?.throwIfAborted()
    const body = request.json === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': encodeBody(request)?.length ?? 0 }
    const version = this.apiVersion === undefined ? '' : `/v${this.apiVersion}`
    const path = `${version}${request.path}${encodeQuery(request.query)}`
    const call = httpRequest({ agent: this.#agents[agent], method: request.method, path, headers: { Host: this.#host, 'User-Agent': 'drayage', ...body, ...headers } })
    const { signal } = request
    if (signal !== undefined) {
      const abort = (): void => void call.destroy(toError(signal.reason))
      signal.addEventListener('abort', abort, { once: true })
      call.once('close', () => signal.removeEventListener('abort', abort))
    }
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

/** The engine had closed a kept connection just when it was used again: the request was not seen, as far as anyone can tell. */
class StaleSocket extends Error {}

async function responseTo(call: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    call.once('response', resolve)
    call.on('error', error => {
      const stale = call.reusedSocket && (errnoOf(error) === 'ECONNRESET' || errnoOf(error) === 'EPIPE')
      reject(stale ? new StaleSocket(error.message, { cause: error }) : error)
    })
  })
}

/** The response, unless its status says no: then the daemon's words. 304 is a success: it was so already. */
async function successOf(response: IncomingMessage): Promise<IncomingMessage> {
  const status = response.statusCode ?? 0
  if (status < 400) return response
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    length += piece.length
    if (length <= mostErrorText) pieces.push(piece)
  }
  throw new ApiFailure(status, wordsOf(Buffer.concat(pieces).toString()) || (response.statusMessage ?? `HTTP ${status}`))
}

function wordsOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string') return value.message.trim()
  } catch {
    // a proxy's own page, or plain text
  }
  return text.trim()
}

async function readAnswer(response: IncomingMessage): Promise<ApiAnswer> {
  await successOf(response)
  const pieces: Buffer[] = []
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece)
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }
}

/**
 * Sends the body once the engine wants it, so that a refusal arrives before the bytes that it makes pointless. Fails with
 * the source's failure only; what the engine no longer takes is read and dropped.
 */
async function sendBody(call: ClientRequest, source: Readable): Promise<void> {
  if (!(await bodyIsWanted(call))) return
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      if (!call.destroyed && !call.write(chunk)) await drained(call)
    }
    if (!call.destroyed) call.end()
  } catch (thrown) {
    call.destroy(toError(thrown))
    throw thrown
  }
}

async function bodyIsWanted(call: ClientRequest): Promise<boolean> {
  const wanted = new Promise<boolean>(resolve => {
    const timer = setTimeout(() => resolve(true), continueWaitMs)
    const settle = (value: boolean): void => {
      clearTimeout(timer)
      resolve(value)
    }
    call.once('continue', () => settle(true))
    call.once('response', response => settle((response.statusCode ?? 0) < 400))
    call.once('close', () => settle(false))
  })
  call.flushHeaders()
  return wanted
}

async function drained(call: ClientRequest): Promise<void> {
  await new Promise<void>(resolve => {
    const done = (): void => {
      call.off('drain', done).off('close', done)
      resolve()
    }
    call.on('drain', done).on('close', done)
  })
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

export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
