import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { createSecureContext } from 'node:tls'
import { isLoopback } from './reference.ts'
import { certificatesFor } from './trusted-certificates.ts'

export type HttpRequest = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** A connection that is silent for so long is given up. */
  readonly silenceMs?: number
  readonly signal?: AbortSignal | undefined
}

export type ConnectionsOptions = {
  /** This host is spoken to without TLS, or with any certificate, as loopback is. */
  readonly insecureHost?: string
  readonly env: NodeJS.ProcessEnv
  /** To one host at a time. */
  readonly mostSockets?: number
}

const defaultSilenceMs = 60_000
/** Servers and proxies close idle connections, many after a minute: ours go before. */
const idleMs = 15_000

/** HTTP to registries, their token servers and where they redirect to; connections are used again. */
export class Connections {
  readonly #agents = new Map<string, Promise<HttpAgent | HttpsAgent>>()
  readonly #options: ConnectionsOptions

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** Whether the host may be spoken to without proof of who it is. */
  isInsecure(host: string): boolean {
    return isLoopback(host) || host === this.#options.insecureHost
  }

  /** Resolves with the head of the answer; its body has to be read or destroyed. Rejects with the system's error. */
  async send(url: URL, { method, headers = {}, body, silenceMs = defaultSilenceMs, signal }: HttpRequest): Promise<IncomingMessage> {
    signal?.throwIfAborted()
    const agent = await this.#agentOf(url)
    return await new Promise((resolve, reject) => {
      const length = body === undefined ? (method === 'POST' || method === 'PUT' || method === 'PATCH' ? { 'Content-Length': '0' } : {}) : { 'Content-Length': String(body.length) }
      const send = url.protocol === 'https:' ? requestHttps : requestHttp
      const request = send(url, { method, agent, headers: { 'User-Agent': 'drayage', ...headers, ...length }, ...(signal === undefined ? {} : { signal }) }, answer => {
        // what was asked after the head ends with the body's own reader
        answer.on('error', () => undefined)
        resolve(answer)
      })
      request.setTimeout(silenceMs, () => request.destroy(Object.assign(new Error(`nothing was heard for ${silenceMs / 1000} s`), { code: 'ETIMEDOUT' })))
      request.on('error', reject)
      request.end(body)
    })
  }

  async close(): Promise<void> {
    for (const agent of await Promise.allSettled(this.#agents.values())) if (agent.status === 'fulfilled') agent.value.destroy()
    this.#agents.clear()
  }

  #agentOf({ protocol, host, hostname }: URL): Promise<HttpAgent | HttpsAgent> {
    const key = `${protocol}//${host}`
    const known = this.#agents.get(key)
    if (known !== undefined) return known
    const made = this.#makeAgent(protocol, host, hostname)
    this.#agents.set(key, made)
    return made
  }

  async #makeAgent(protocol: string, host: string, hostname: string): Promise<HttpAgent | HttpsAgent> {
    const { env, mostSockets = 16 } = this.#options
    const options = { keepAlive: true, maxSockets: mostSockets, timeout: idleMs, scheduling: 'lifo' } as const
    if (protocol !== 'https:') return new HttpAgent(options)
    const certificates = await certificatesFor(host, env)
    return new HttpsAgent({ ...options, secureContext: createSecureContext(certificates), rejectUnauthorized: !this.isInsecure(host) && !this.isInsecure(hostname) })
  }
}
