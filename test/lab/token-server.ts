import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from './command.ts'

export type TokenServerOptions = { readonly username: string; readonly password: string; readonly identityToken: string }

/** Hands out the tokens of docker's token authentication: JWTs, signed with a key whose certificate the registry trusts. */
export interface TokenServer extends AsyncDisposable {
  /** For `auth.token` of a registry. */
  readonly registrySettings: Readonly<Record<string, string>>
  /** How each token that was handed out was asked for, with its scopes. */
  readonly issued: { readonly by: 'password' | 'identity token' | 'nobody'; readonly scope: string }[]
  /** For how long tokens are good, and for how long they say so. */
  seconds: { good: number; said: number }
  /** So many of the next requests are refused with this status. */
  failures: { status: number; count: number }
}

const service = 'lab-registry'
const issuer = 'lab-tokens'
/** A registry takes a token for a minute after its end. */
const leewaySeconds = 60

export async function startTokenServer({ username, password, identityToken }: TokenServerOptions): Promise<TokenServer> {
  const dir = await mkdtemp(join(tmpdir(), 'dray-tokens-'))
  const [keyFile, certFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  await must('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', '/CN=lab tokens', '-keyout', keyFile, '-out', certFile])
  const key = createPrivateKey(await readFile(keyFile))
  const certificate = new X509Certificate(await readFile(certFile)).raw.toString('base64')
  const issued: TokenServer['issued'] = []
  const made = { issued, seconds: { good: 300, said: 300 }, failures: { status: 503, count: 0 } }

  const token = (scopes: readonly string[]): string => {
    const now = Math.floor(Date.now() / 1000)
    const access = scopes.map(scope => /^([^:]+):(.+):([^:]+)$/.exec(scope) ?? []).map(([, type, name, actions]) => ({ type, name, actions: actions?.split(',') }))
    const claims = { iss: issuer, sub: username, aud: service, iat: now - 3600, nbf: now - 3600, exp: now + made.seconds.good - leewaySeconds, jti: randomUUID(), access }
    const text = [{ typ: 'JWT', alg: 'ES256', x5c: [certificate] }, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }

  const server = createServer((request, response) => void answer(request).then(({ status, body }) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))))
  const answer = async (request: IncomingMessage): Promise<{ status: number; body: object }> => {
    if (made.failures.count > 0) {
      made.failures.count--
      return { status: made.failures.status, body: {} }
    }
    const url = new URL(request.url ?? '', 'http://lab')
    let form = ''
    for await (const piece of request as AsyncIterable<Buffer>) form += piece.toString()
    const fields = request.method === 'POST' ? new URLSearchParams(form) : url.searchParams
    const scopes = request.method === 'POST' ? (fields.get('scope') ?? '').split(' ') : fields.getAll('scope')
    const known = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
    const by = fields.get('grant_type') === 'refresh_token' ? 'identity token' : request.headers.authorization === undefined ? 'nobody' : 'password'
    const isRight = fields.get('service') === service && (by === 'identity token' ? fields.get('refresh_token') === identityToken : by === 'password' && request.headers.authorization === known)
    if (!isRight) return { status: 401, body: { errors: [{ code: 'UNAUTHORIZED', message: 'wrong password' }] } }
    issued.push({ by, scope: scopes.join(' ') })
    return { status: 200, body: { [by === 'password' ? 'token' : 'access_token']: token(scopes), expires_in: made.seconds.said } }
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
  return Object.assign(made, {
    registrySettings: { realm, service, issuer, rootcertbundle: certFile },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      await rm(dir, { recursive: true })
    },
  })
}
