import { DrayError } from '../errors/dray-error.ts'
import type { Connections } from './connections.ts'
import type { Credentials } from './credentials.ts'
import { fromStatus, readReportedErrors } from './registry-error.ts'

/** What a request wants to do with which name. */
export type Access = { readonly name: string; readonly actions: 'pull' | 'pull,push' | 'delete' }

type Challenge = { readonly scheme: 'basic' } | { readonly scheme: 'bearer'; readonly realm: string; readonly service: string | undefined }
type Token = { readonly text: string; readonly until: number }

/** Token servers that say nothing mean a minute. */
const defaultSeconds = 60
/** A token is renewed before it ends, as a request takes its time. */
const marginSeconds = 10

/**
 * The Authorization of requests: Basic, or a bearer token of the registry's token server, got with the password or an identity
 * token. Tokens are for exactly what a request needs, and renewed when they end or are refused.
 */
export class Authorization {
  readonly #registry: string
  readonly #connections: Connections
  readonly #credentials: () => Promise<Credentials | undefined>
  readonly #tokens = new Map<string, Promise<Token>>()
  #challenge: Challenge | undefined

  constructor(registry: string, connections: Connections, credentials: () => Promise<Credentials | undefined>) {
    this.#registry = registry
    this.#connections = connections
    this.#credentials = credentials
  }

  /** The header for a request, as far as the registry has said what it wants. */
  async headers(access: readonly Access[], signal?: AbortSignal): Promise<Record<string, string>> {
    const challenge = this.#challenge
    if (challenge === undefined) return {}
    if (challenge.scheme === 'bearer') return { Authorization: `Bearer ${(await this.#token(challenge, scopesOf(access), signal)).text}` }
    const known = await this.#credentials()
    return known !== undefined && 'username' in known ? { Authorization: basic(known) } : {}
  }

  /**
   * After a 401: true when another try can have another outcome. `used` is the header that was refused.
   */
  async learn(challenges: string | undefined, access: readonly Access[], used: string | undefined): Promise<boolean> {
    const challenge = parseChallenge(challenges ?? '')
    if (challenge === undefined) return false
    const before = this.#challenge
    this.#challenge = challenge
    if (challenge.scheme === 'basic') return used === undefined && (await this.#credentials()) !== undefined
    if (before === undefined || before.scheme === 'basic') return true
    const key = keyOf(scopesOf(access))
    const token = await this.#tokens.get(key)?.catch(() => undefined)
    if (token !== undefined && used === `Bearer ${token.text}`) this.#tokens.delete(key)
    return true
  }

  async #token(challenge: Challenge & { readonly scheme: 'bearer' }, scopes: readonly string[], signal?: AbortSignal): Promise<Token> {
    const key = keyOf(scopes)
    const known = await this.#tokens.get(key)?.catch(() => undefined)
    if (known !== undefined && known.until > Date.now()) return known
    const running = this.#tokens.get(key)
    const fetching = running !== undefined && known === undefined ? running : this.#fetch(challenge, scopes, signal)
    this.#tokens.set(key, fetching)
    try {
      return await fetching
    } catch (thrown) {
      if (this.#tokens.get(key) === fetching) this.#tokens.delete(key)
      throw thrown
    }
  }

  async #fetch({ realm, service }: Challenge & { readonly scheme: 'bearer' }, scopes: readonly string[], signal?: AbortSignal): Promise<Token> {
    const url = this.#realmUrl(realm)
    const credentials = await this.#credentials()
    const answer = credentials !== undefined && 'identityToken' in credentials
      ? await this.#connections.send(url, { method: 'POST', signal, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: Buffer.from(new URLSearchParams({ grant_type: 'refresh_token', refresh_token: credentials.identityToken, client_id: 'drayage', access_type: 'offline', ...(service === undefined ? {} : { service }), scope: scopes.join(' ') }).toString()) })
      : await this.#connections.send(withQuery(url, [...(service === undefined ? [] : [['service', service] as const]), ...(credentials === undefined ? [] : [['account', credentials.username] as const]), ...scopes.map(scope => ['scope', scope] as const)]), { method: 'GET', signal, ...(credentials === undefined ? {} : { headers: { Authorization: basic(credentials) } }) })
    const doing = `getting a token from "${url.host}"`
    if (answer.statusCode !== 200) {
      const status = answer.statusCode ?? 0
      const error = fromStatus(status, await readReportedErrors(answer), doing, this.#registry)
      throw status >= 400 && status < 500 && status !== 429 ? new DrayError('unauthorized', error.message, { hints: [`docker login ${this.#registry}`] }) : Object.assign(new Error(error.message), { code: 'EAGAIN' })
    }
    const pieces: Buffer[] = []
    for await (const piece of answer as AsyncIterable<Buffer>) pieces.push(piece)
    return parseToken(Buffer.concat(pieces).toString(), doing)
  }

  /** A password goes over TLS only, or to where the owner says that it need not. */
  #realmUrl(realm: string): URL {
    const url = URL.canParse(realm) ? new URL(realm) : undefined
    if (url?.protocol !== 'https:' && url?.protocol !== 'http:') throw new DrayError('refused', `registry "${this.#registry}" names "${realm}" as its token server, which is no address`)
    if (url.protocol === 'http:' && !this.#connections.isInsecure(url.host) && !this.#connections.isInsecure(this.#registry)) throw new DrayError('unauthorized', `registry "${this.#registry}" wants the password to be sent to "${url.host}" without TLS`, { hints: ['if that is meant: --insecure'] })
    return url
  }
}

/** `Bearer realm="…",service="…"` or `Basic realm="…"`; Bearer where both are offered. */
export function parseChallenge(header: string): Challenge | undefined {
  const bearer = /(?:^|,\s*)bearer\s+(.*)$/i.exec(header)?.[1]
  if (bearer !== undefined) {
    const fields = new Map([...bearer.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/gi)].map(([, name = '', value = '']) => [name.toLowerCase(), value.replaceAll(/\\(.)/g, '$1')]))
    const realm = fields.get('realm')
    return realm === undefined ? undefined : { scheme: 'bearer', realm, service: fields.get('service') }
  }
  return /(?:^|,\s*)basic\b/i.test(header) ? { scheme: 'basic' } : undefined
}

function parseToken(text: string, doing: string): Token {
  let answer: { token?: unknown; access_token?: unknown; expires_in?: unknown }
  try {
    answer = JSON.parse(text) as typeof answer
  } catch (cause) {
    throw new DrayError('refused', `${doing}: the answer is not JSON`, { cause })
  }
  const token = typeof answer.token === 'string' && answer.token !== '' ? answer.token : answer.access_token
  if (typeof token !== 'string' || token === '') throw new DrayError('refused', `${doing}: the answer holds no token`)
  const seconds = typeof answer.expires_in === 'number' && answer.expires_in > 0 ? answer.expires_in : defaultSeconds
  return { text: token, until: Date.now() + Math.max(1, seconds - marginSeconds) * 1000 }
}

function scopesOf(access: readonly Access[]): string[] {
  return access.map(({ name, actions }) => `repository:${name}:${actions}`)
}

function keyOf(scopes: readonly string[]): string {
  return scopes.join(' ')
}

function withQuery(url: URL, query: readonly (readonly [string, string])[]): URL {
  const whole = new URL(url)
  for (const [name, value] of query) whole.searchParams.append(name, value)
  return whole
}

function basic({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
