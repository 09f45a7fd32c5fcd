/**
 * A registry as its API shows it (OCI distribution specification): every request with what it has to show, over TLS, and again
 * after what passes: lost connections, 429 and 5xx, tokens that ended.
 */
import type { IncomingMessage } from 'node:http'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { errnoOf } from '../errors/system-error.ts'
import { Authorization, type Access } from './authorization.ts'
import { Connections, type HttpRequest } from './connections.ts'
import { readCredentials } from './credentials.ts'
import { apiHost } from './reference.ts'
import { fromConnectionError, fromStatus, isPassing, isPassingFailure, readReportedErrors } from './registry-error.ts'
import { defaultRetry, pauseBefore, readRetryAfter, type RetryOptions } from './retry.ts'

export type RegistryOptions = {
  /** The host, with its port, as docker writes it. */
  readonly registry: string
  /** Plain HTTP and unproved certificates are allowed, as they are of loopback. */
  readonly insecure?: boolean
  /** Where docker's config.json lies. */
  readonly configFolder: string
  readonly env: NodeJS.ProcessEnv
  readonly retry?: RetryOptions
  /** Called before a request is tried again. */
  readonly onRetry?: (reason: string) => void
}

export type ApiRequest = HttpRequest & {
  /** For messages: "reading manifest …". */
  readonly doing: string
  readonly access: readonly Access[]
  /** Answers that are no failure, besides 2xx. */
  readonly accepts?: readonly number[]
  /** False for what cannot simply be sent again: then a lost connection is thrown as it is. */
  readonly repeats?: boolean
}

const mostRedirects = 5
const redirects = [301, 302, 303, 307, 308]

export class Registry implements AsyncDisposable {
  readonly host: string
  readonly #connections: Connections
  readonly #authorization: Authorization
  readonly #retry: RetryOptions
  readonly #onRetry: (reason: string) => void
  #base: Promise<URL> | undefined

  constructor({ registry, insecure = false, configFolder, env, retry = defaultRetry, onRetry = () => undefined }: RegistryOptions) {
    this.host = registry
    this.#connections = new Connections({ env, ...(insecure ? { insecureHost: apiHost(registry) } : {}) })
    let credentials: ReturnType<typeof readCredentials> | undefined
    this.#authorization = new Authorization(registry, this.#connections, () => (credentials ??= readCredentials(registry, configFolder, env)))
    this.#retry = retry
    this.#onRetry = onRetry
  }

  /**
   * Asks for `path` (or a whole address that the registry gave) and resolves with the answer's head, whose body has to be read. Throws
   * `unauthorized`, `not-found`, `refused`, and `io-failed` when nothing helped.
   */
  async request(path: string, request: ApiRequest): Promise<IncomingMessage> {
    const { doing, signal, repeats = true } = request
    for (let tried = 1; ; tried++) {
      let wishMs: number | undefined
      let failure: DrayError
      try {
        const answer = await this.#answer(path, request)
        const status = answer.statusCode ?? 0
        if ((status >= 200 && status < 300) || request.accepts?.includes(status) === true) return answer
        wishMs = readRetryAfter(answer.headers['retry-after'])
        failure = fromStatus(status, await readReportedErrors(answer), doing, this.host)
        if (!isPassing(status)) throw failure
      } catch (thrown) {
        if (signal?.aborted === true) throw signal.reason
        failure = fromConnectionError(thrown, doing, this.host)
        if (!isPassingFailure(thrown) || (!repeats && errnoOf(thrown) !== 'ECONNREFUSED')) throw failure
      }
      if (tried >= this.#retry.tries) throw new DrayError(failure.code, `${failure.message} (tried ${tried} times)`, { hints: ['run the same command again: what has arrived is not sent again'], cause: failure })
      this.#onRetry(messageOf(failure))
      await pauseBefore(tried, this.#retry, wishMs, signal)
    }
  }

  /** The same with the body's end awaited, for answers whose head says everything. */
  async headOf(path: string, request: ApiRequest): Promise<IncomingMessage> {
    const answer = await this.request(path, request)
    answer.resume()
    return answer
  }

  async close(): Promise<void> {
    await this.#connections.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Nothing of ours is shown to another host, where a registry may want uploads to go. */
  async #answer(path: string, request: ApiRequest): Promise<IncomingMessage> {
    const base = await (this.#base ??= this.#findBase(request.signal))
    const url = new URL(path, base)
    // behind a proxy that speaks TLS, a registry may take itself for one without
    if (url.host === base.host) url.protocol = base.protocol
    return url.host === base.host ? await this.#authorized(url, request) : await this.#connections.send(url, request)
  }

  /** https, and where that is allowed plain http when nobody speaks TLS there. */
  async #findBase(signal: AbortSignal | undefined): Promise<URL> {
    const host = apiHost(this.host)
    const secure = new URL(`https://${host}`)
    if (!this.#connections.isInsecure(host)) return secure
    try {
      const answer = await this.#connections.send(new URL('/v2/', secure), { method: 'GET', signal })
      answer.resume()
      return secure
    } catch (thrown) {
      signal?.throwIfAborted()
      const errno = errnoOf(thrown) ?? ''
      if (errno === 'EPROTO' || errno.startsWith('ERR_SSL') || errno === 'ECONNREFUSED' || errno === 'ECONNRESET') {
        // a registry that only starts is asked again, both ways
        if (errno !== 'EPROTO' && !errno.startsWith('ERR_SSL')) this.#base = undefined
        return new URL(`http://${host}`)
      }
      this.#base = undefined
      throw thrown
    }
  }

  /** With authorization: a 401 is answered once with what it asks for. */
  async #authorized(url: URL, request: ApiRequest): Promise<IncomingMessage> {
    for (let asked = 0; ; asked++) {
      const headers = await this.#authorization.headers(request.access, request.signal)
      const answer = await this.#redirected(url, { ...request, headers: { ...request.headers, ...headers } })
      if (answer.statusCode !== 401 || asked >= 2) return answer
      if (!(await this.#authorization.learn(answer.headers['www-authenticate'], request.access, headers['Authorization']))) return answer
      answer.resume()
    }
  }

  /** What is read may lie elsewhere; there, nothing of ours is shown. */
  async #redirected(url: URL, request: HttpRequest): Promise<IncomingMessage> {
    let answer = await this.#connections.send(url, request)
    for (let count = 0; redirects.includes(answer.statusCode ?? 0) && (request.method === 'GET' || request.method === 'HEAD') && count < mostRedirects; count++) {
      const next = new URL(answer.headers.location ?? '', url)
      answer.resume()
      if (url.protocol === 'https:' && next.protocol !== 'https:') throw new DrayError('refused', `registry "${this.host}" leads from TLS to "${next.host}" without it`)
      answer = await this.#connections.send(next, { ...request, headers: next.host === url.host ? (request.headers ?? {}) : withoutAuthorization(request.headers ?? {}) })
    }
    return answer
  }
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'Authorization'))
}
