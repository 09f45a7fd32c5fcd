import { isIP } from 'node:net'
import { DrayError } from '../errors/dray-error.ts'
import { registryOf } from './credentials.ts'

/** One name in a registry: `registry` is the host as docker writes it, `name` what stands between it and the tag. */
export type RegistryName = { readonly registry: string; readonly name: string }

export type Reference = RegistryName & { readonly tag?: string; readonly digest?: string }

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const namePattern = new RegExp(`^${component}(?:/${component})*$`)
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/

/** `[HOST[:PORT]/]NAME[:TAG][@DIGEST]`, as docker reads it. Throws `usage`. */
export function parseReference(text: string): Reference {
  const registry = registryOf(text)
  const rest = text.startsWith(`${registry}/`) ? text.slice(registry.length + 1) : text
  const [, path = '', tag, digest] = /^([^:@]*)(?::([^@]*))?(?:@(.*))?$/.exec(rest) ?? []
  const name = registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path
  if (path === '' || !namePattern.test(name)) throw wrong(text, /[A-Z]/.test(path) ? 'names in registries are lower case' : 'it is HOST[:PORT]/NAME[:TAG]')
  if (tag !== undefined && !tagPattern.test(tag)) throw wrong(text, `"${tag}" is no tag`)
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest)) throw wrong(text, `"${digest}" is no digest`)
  return { registry, name, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }
}

/** `oci://HOST[:PORT]/NAME`, without a tag. Throws `usage`. */
export function parseRegistryUrl(text: string): RegistryName {
  const { registry, name, tag, digest } = parseReference(text.replace(/^oci:\/\//, ''))
  if (tag !== undefined || digest !== undefined) throw new DrayError('usage', `"${text}" names a tag: a repository has none`, { hints: [`oci://${registry}/${name}`] })
  return { registry, name }
}

/** Where the registry's API answers. */
export function apiHost(registry: string): string {
  return registry === 'docker.io' || registry === 'index.docker.io' ? 'registry-1.docker.io' : registry
}

/** Only these are spoken to without TLS, unless told. */
export function isLoopback(host: string): boolean {
  const name = hostName(host)
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

/** Whether others than the owner's own network may reach it: every host but those of private addresses and of names that no public server has. */
export function looksPublic(registry: string): boolean {
  const name = hostName(registry)
  if (isLoopback(registry)) return false
  const [a = 0, b = 0] = name.split('.').map(Number)
  if (isIP(name) === 4) return !(a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128))
  if (isIP(name) === 6) return !/^(?:f[cd]|fe[89ab])/i.test(name)
  return name.includes('.') && !/\.(?:local|localhost|lan|internal|intranet|home|corp|private|test|home\.arpa)$/i.test(name)
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1').toLowerCase()
}

function wrong(text: string, why: string): DrayError {
  return new DrayError('usage', `"${text}" is no reference to a registry: ${why}`)
}
