import { dockerConfigFolder, readContext, readCurrentContext } from './docker-context.ts'
import { defaultSocket, parseEndpoint, type Endpoint, type TlsMaterial } from './endpoint.ts'
import { readTlsFolder } from './tls-folder.ts'
import { DrayError } from '../errors/dray-error.ts'

/** Where the engine is and who said so: `source` is for messages ("from DOCKER_HOST"), `address` is the address as it was written. */
export type ResolvedEndpoint = { readonly endpoint: Endpoint; readonly tls: TlsMaterial | undefined; readonly address: string; readonly source: string }

/**
 * The engine's address in docker's own order: -H, DOCKER_HOST, DOCKER_CONTEXT, config.json's currentContext, the default
 * socket. A context's own TLS material counts for it alone; the DOCKER_TLS variables count for addresses.
 */
export async function resolveEndpoint(host: string | undefined, env: NodeJS.ProcessEnv, from = '-H'): Promise<ResolvedEndpoint> {
  if (host !== undefined && host !== '') {
    if (host.includes('://')) return fromAddress(host, from, env)
    return fromContext(host, `context "${host}" from ${from}`, env)
  }
  const dockerHost = env['DOCKER_HOST']
  if (dockerHost !== undefined && dockerHost !== '') return fromAddress(dockerHost.includes('://') ? dockerHost : `tcp://${dockerHost}`, 'DOCKER_HOST', env)
  const fromEnv = env['DOCKER_CONTEXT']
  if (fromEnv !== undefined && fromEnv !== '') return fromContext(fromEnv, `context "${fromEnv}" from DOCKER_CONTEXT`, env)
  const current = await readCurrentContext(env)
  if (current !== undefined && current !== 'default') return fromContext(current, `docker's current context "${current}"`, env)
  return byDefault('the default')
}

function byDefault(source: string): ResolvedEndpoint {
  return { endpoint: { kind: 'unix', path: defaultSocket }, tls: undefined, address: `unix://${defaultSocket}`, source }
}

async function fromAddress(address: string, source: string, env: NodeJS.ProcessEnv): Promise<ResolvedEndpoint> {
  const endpoint = parseEndpoint(address)
  return { endpoint, tls: endpoint.kind === 'tcp' ? await tlsFromEnv(endpoint.tls, env) : undefined, address, source }
}

async function fromContext(name: string, source: string, env: NodeJS.ProcessEnv): Promise<ResolvedEndpoint> {
  if (name === 'default') {
    const dockerHost = env['DOCKER_HOST']
    return dockerHost !== undefined && dockerHost !== '' ? fromAddress(dockerHost, `DOCKER_HOST, by ${source}`, env) : byDefault(source)
  }
  const { host, tls } = await readContext(name, env)
  const endpoint = parseEndpoint(host)
  const wanted = endpoint.kind === 'tcp' && endpoint.tls !== false ? (tls ?? (endpoint.tls === true ? { verify: true } : undefined)) : undefined
  return { endpoint, tls: wanted, address: name, source }
}

/** As the docker CLI reads the variables: any non-empty value counts, and DOCKER_TLS without DOCKER_TLS_VERIFY does not check the server. */
async function tlsFromEnv(byScheme: boolean | undefined, env: NodeJS.ProcessEnv): Promise<TlsMaterial | undefined> {
  const isSet = (name: string): boolean => (env[name] ?? '') !== ''
  const verify = isSet('DOCKER_TLS_VERIFY')
  if (byScheme === false || (byScheme === undefined && !verify && !isSet('DOCKER_TLS'))) return undefined
  const folder = isSet('DOCKER_CERT_PATH') ? (env['DOCKER_CERT_PATH'] ?? '') : dockerConfigFolder(env)
  const files = await readTlsFolder(folder)
  if (isSet('DOCKER_CERT_PATH') && Object.keys(files).length === 0) {
    throw new DrayError('usage', `DOCKER_CERT_PATH is "${folder}", where none of ca.pem, cert.pem and key.pem is`, { hints: ['point DOCKER_CERT_PATH to the folder of the TLS files'] })
  }
  return { verify: verify || !isSet('DOCKER_TLS'), ...files }
}
