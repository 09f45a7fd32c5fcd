import { DrayError } from '../errors/dray-error.ts'
import { whyUnreachable } from './engine-error.ts'
import { withoutPassword } from './endpoint.ts'
import { Unreachable } from './unreachable.ts'
import type { ResolvedEndpoint } from './resolve-endpoint.ts'

/** A failed first call, retold with what was tried and who gave the address. */
export function whyNoConnection(thrown: unknown, resolved: ResolvedEndpoint): unknown {
  const tried = describeEndpoint(resolved)
  if (thrown instanceof Unreachable) return failed(tried, thrown)
  if (!(thrown instanceof DrayError)) return thrown
  const { cause } = thrown
  if (thrown.code === 'refused' && thrown.message.includes('HTTP request to an HTTPS server')) {
    return new DrayError('engine-unreachable', `cannot connect to the engine at ${tried}: it wants TLS`, { hints: ['set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the folder of ca.pem, cert.pem and key.pem'], cause })
  }
  return cause instanceof Unreachable || (cause instanceof Error && 'code' in cause) ? failed(tried, cause) : thrown
}

function failed(tried: string, cause: Error): DrayError {
  const { code, reason, hints } = whyUnreachable(cause)
  return new DrayError(code, `cannot connect to the engine at ${tried}: ${reason}`, { hints, cause })
}

function describeEndpoint({ endpoint, address, source }: ResolvedEndpoint): string {
  const where = endpoint.kind === 'unix' ? `unix://${endpoint.path}` : endpoint.kind === 'tcp' ? `tcp://${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}` : withoutPassword(address)
  return `"${where}" (from ${source})`
}
