import { DrayError } from '../errors/dray-error.ts'

export type TlsMaterial = { readonly verify: boolean; readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer }

export type SshTarget = { readonly host: string; readonly user?: string; readonly port?: number; readonly socketPath?: string }

/** An engine's address, taken apart. `tls` says what the address itself asks for; `undefined` leaves it to the variables. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: boolean | undefined }
  | ({ readonly kind: 'ssh' } & SshTarget)

export const defaultSocket = '/var/run/docker.sock'

const examples = 'give unix:///path, tcp://host:port, ssh://[user@]host[:port][/socket] or the name of a docker context'

/** Parses an address. Pure; anything but an address with a scheme (a context's name) is for the caller. `usage` with what is wrong. */
export function parseEndpoint(text: string): Endpoint {
  const scheme = /^([a-z]+):\/\//i.exec(text)?.[1]?.toLowerCase()
  const refuse = (reason: string, hint = examples): DrayError => new DrayError('usage', `the address "${withoutPassword(text)}" ${reason}`, { hints: [hint] })
  switch (scheme) {
    case 'unix':
      return parseUnix(text.slice('unix://'.length), refuse)
    case 'tcp':
    case 'http':
    case 'https':
      return parseTcp(text, scheme, refuse)
    case 'ssh':
      return parseSsh(text, refuse)
    case 'npipe':
      throw refuse('is a windows pipe, which dray does not speak')
    case 'fd':
      throw refuse('is for the engine itself, not for its clients')
    case undefined:
      throw refuse('has no scheme')
    default:
      throw refuse(`has an unknown scheme "${scheme}"`)
  }
}

type Refuse = (reason: string, hint?: string) => DrayError

function parseUnix(path: string, refuse: Refuse): Endpoint {
  if (path === '') return { kind: 'unix', path: defaultSocket }
  if (!path.startsWith('/')) throw refuse('has no absolute path', `did you mean unix:///${path}`)
  if (Buffer.byteLength(path) > 107) throw refuse('is longer than the 107 bytes a socket path may have')
  if (path.includes('\0')) throw refuse('has a NUL in its path')
  return { kind: 'unix', path }
}

function parseTcp(text: string, scheme: 'tcp' | 'http' | 'https', refuse: Refuse): Endpoint {
  const url = toUrl(text.replace(/^[a-z]+/i, 'ssh'), refuse)
  if (url.username !== '' || url.password !== '') throw refuse('has a user, which only ssh:// addresses take')
  if (url.search !== '' || url.hash !== '') throw refuse('has a query, which no engine takes')
  if (url.pathname !== '' && url.pathname !== '/') throw refuse('has a path, which no engine takes')
  const tls = { tcp: undefined, http: false, https: true }[scheme]
  return { kind: 'tcp', host: bareHost(url), port: url.port === '' ? (tls === true ? 2376 : 2375) : Number(url.port), tls }
}

function parseSsh(text: string, refuse: Refuse): Endpoint {
  const url = toUrl(text, refuse)
  if (url.password !== '') throw refuse('has a password, which would be seen by everyone on this machine', 'use a key: ssh-copy-id, then ssh://user@host')
  if (url.search !== '' || url.hash !== '') throw refuse('has a query, which no engine takes')
  const host = bareHost(url)
  const user = decodeURIComponent(url.username)
  if (host.startsWith('-') || user.startsWith('-')) throw refuse('has a name that starts with "-"')
  const socketPath = decodeURIComponent(url.pathname)
  return {
    kind: 'ssh',
    host,
    ...(user === '' ? {} : { user }),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    ...(socketPath === '' || socketPath === '/' ? {} : { socketPath }),
  }
}

/** The URL of a scheme without a default port, so that no port is swallowed. */
function toUrl(text: string, refuse: Refuse): URL {
  let url: URL
  try {
    url = new URL(text)
    decodeURIComponent(url.pathname + url.username)
  } catch {
    throw refuse('cannot be parsed')
  }
  if (url.hostname === '') throw refuse('has no host')
  return url
}

const bareHost = (url: URL): string => decodeURIComponent(url.hostname.replace(/^\[(.*)\]$/, '$1'))

/** The address as it may be printed. */
export function withoutPassword(text: string): string {
  return text.replace(/^([a-z]+:\/\/[^/@:]*):[^/@]*@/i, '$1:***@')
}
