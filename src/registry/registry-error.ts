import type { IncomingMessage } from 'node:http'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { errnoOf } from '../errors/system-error.ts'

/** What stands in errors of the API: `{"errors":[{"code":"DENIED","message":"…"}]}`. */
export type ReportedError = { readonly code: string; readonly message: string }

const mostErrorBytes = 64 * 1024

/** Reads what a failed request says, and lets its connection be used again. */
export async function readReportedErrors(answer: IncomingMessage): Promise<readonly ReportedError[]> {
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      bytes += piece.length
      if (bytes > mostErrorBytes) break
      pieces.push(piece)
    }
    const { errors } = JSON.parse(Buffer.concat(pieces).toString()) as { errors?: unknown }
    return Array.isArray(errors) ? (errors as Partial<ReportedError>[]).map(({ code, message }) => ({ code: String(code), message: String(message) })) : []
  } catch {
    return []
  }
}

/** An answer that is not the expected one, as an error of ours. */
export function fromStatus(status: number, errors: readonly ReportedError[], doing: string, registry: string): DrayError {
  const said = errors.map(({ code, message }) => `${message} (${code})`).join('; ')
  const answered = `${doing}: registry "${registry}" answered ${status}${said === '' ? '' : `: ${said}`}`
  const [reason] = errors
  const details = reason === undefined ? {} : { reason: reason.code }
  if (status === 401 || status === 403) return new DrayError('unauthorized', answered, { ...details, hints: [`docker login ${registry}`, 'the user needs the right to do that with this name'] })
  if (status === 404) return new DrayError('not-found', answered, details)
  if (status === 405) return new DrayError('refused', answered, { ...details, reason: reason?.code ?? 'UNSUPPORTED' })
  if (status === 413) return new DrayError('refused', answered, { ...details, hints: ['a proxy before the registry limits the size of requests: let it take 8 MiB'] })
  return new DrayError(isPassing(status) ? 'io-failed' : 'refused', answered, details)
}

/** An answer that may be another one in a moment. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501)
}

const certificateErrors = ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_UNTRUSTED', 'CERT_REVOKED']

/** A connection that failed, as an error of ours. A DrayError passes. */
export function fromConnectionError(thrown: unknown, doing: string, registry: string): DrayError {
  if (thrown instanceof DrayError) return thrown
  const errno = errnoOf(thrown) ?? ''
  if (certificateErrors.includes(errno)) {
    return new DrayError('unauthorized', `${doing}: the certificate of registry "${registry}" is not trusted: ${messageOf(thrown)}`, { cause: thrown, hints: [`put its authority into /etc/docker/certs.d/${registry}/ca.crt, or among the system's`, 'to speak to it all the same: --insecure'] })
  }
  const why = errno === 'ENOTFOUND' ? 'there is no such host' : errno === 'ECONNREFUSED' ? 'nothing listens there' : messageOf(thrown)
  return new DrayError('io-failed', `${doing}: registry "${registry}" cannot be reached: ${why}`, { cause: thrown })
}

/** Whether trying again may help: not when the name, the certificate or the protocol is wrong. */
export function isPassingFailure(thrown: unknown): boolean {
  if (thrown instanceof DrayError) return false
  const errno = errnoOf(thrown) ?? ''
  return !certificateErrors.includes(errno) && !errno.startsWith('ERR_SSL') && errno !== 'EPROTO' && errno !== 'ENOTFOUND' && errno !== 'ABORT_ERR' && errno !== 'ERR_INVALID_URL'
}
