import { DrayError, messageOf } from '../errors/dray-error.ts'
import type { ErrorCode } from '../errors/exit-codes.ts'
import { errnoOf } from '../errors/system-error.ts'
import { Unreachable } from './unreachable.ts'

/** An answer with a status of 400 or more. `words` are the daemon's own. */
export class ApiFailure extends Error {
  readonly status: number
  readonly words: string

  constructor(status: number, words: string) {
    super(`HTTP ${status}: ${words}`)
    this.status = status
    this.words = words
  }
}

/** A short call that got no answer in time. */
export class NoAnswerInTime extends Error {
  readonly seconds: number

  constructor(seconds: number) {
    super(`no answer within ${seconds} s`)
    this.seconds = seconds
  }
}

/** What the first calls of a connection are for. */
export const connecting = 'connecting'

const byStatus: Record<number, ErrorCode> = { 401: 'unauthorized', 403: 'unauthorized', 404: 'not-found', 409: 'conflict' }

/** Where the daemon's status says less than its words: libnetwork answers 403 for a taken subnet, and 500 for a taken port. */
const byWords: [RegExp, ErrorCode, string?][] = [
  [/no space left on device/i, 'io-failed', 'free some space on the engine\'s host: docker system df shows what takes it'],
  [/disk quota exceeded/i, 'io-failed', 'raise the quota on the engine\'s host'],
  [/port is already allocated|address already in use/i, 'conflict', 'docker ps shows which container has the port'],
  [/no basic auth credentials|authentication required|unauthorized: |denied: requested access/i, 'unauthorized', 'docker login stores what a registry wants'],
  [/no such container/i, 'not-found', 'docker ps -a shows the containers'],
  [/no such image/i, 'not-found', 'docker image ls shows the images'],
  [/pool overlaps|has active endpoints|is already in use by container|already exists in network|already paused|is not paused/i, 'conflict'],
]

/** The one translation of an answer that says no. */
export function fromApiFailure(failure: ApiFailure, doing: string): DrayError {
  const [, code, hint] = byWords.find(([words]) => words.test(failure.words)) ?? [undefined, byStatus[failure.status] ?? 'refused']
  return new DrayError(code, `${doing}: ${saidOnce(failure.words)}`, { hints: hint === undefined ? [] : [hint], cause: failure })
}

/** Engines up to 24 say "no such image: nope:1: No such image: nope:1". */
function saidOnce(words: string): string {
  return /^(.+): \1$/is.exec(words)?.[1] ?? words
}

/** A failure that the daemon reports inside a body that began as a success. */
export function fromReportedFailure(words: string, doing: string): DrayError {
  return fromApiFailure(new ApiFailure(500, words), doing)
}

const lostCodes = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNABORTED', 'HPE_INVALID_EOF_STATE', 'ERR_STREAM_DESTROYED'])

/** Whether a connection broke that had been there. */
export function isLost(thrown: unknown): boolean {
  return lostCodes.has(errnoOf(thrown) ?? '')
}

/**
 * Translates what a call threw. DrayErrors pass through, and so does the reason of a call that was aborted; everything
 * else is the connection's.
 */
export function fromCall(thrown: unknown, { doing, address, signal }: { doing: string; address: string; signal?: AbortSignal | undefined }): unknown {
  if (signal?.aborted === true) return signal.reason
  if (thrown instanceof DrayError) return thrown
  if (thrown instanceof ApiFailure) return fromApiFailure(thrown, doing)
  if (thrown instanceof NoAnswerInTime) {
    return new DrayError('engine-unreachable', `the engine at "${address}" did not answer within ${thrown.seconds} s while ${doing}`, {
      hints: [hintOfSilence(address, doing)],
      cause: thrown,
    })
  }
  const errno = errnoOf(thrown)
  if (errno === undefined && !(thrown instanceof Unreachable)) return thrown
  if (isLost(thrown)) return connectionLost(address, doing, thrown)
  const { code, reason, hints } = whyUnreachable(thrown)
  return new DrayError(code, `the engine at "${address}" cannot be reached while ${doing}: ${reason}`, { hints, cause: thrown })
}

function hintOfSilence(address: string, doing: string): string {
  if (doing !== connecting) return 'the engine may be busy with this container, or hang: see its log'
  const { login, port } = /^ssh:\/\/(?<login>[^/:]+)(?::(?<port>\d+))?/.exec(address)?.groups ?? {}
  return login === undefined ? `see whether this answers: docker -H ${address} version` : `see whether this answers: ssh ${port === undefined ? '' : `-p ${port} `}${login} docker version`
}

export function connectionLost(address: string, doing: string, cause?: unknown): DrayError {
  return new DrayError('engine-unreachable', `the connection to the engine at "${address}" was lost while ${doing}`, {
    hints: ['see that the engine runs and the network is up, then run the same command again'],
    cause,
  })
}

const reasons: Record<string, [ErrorCode, string, string]> = {
  ENOENT: ['engine-unreachable', 'the socket does not exist', 'is dockerd running? see: systemctl status docker, docker context ls'],
  ECONNREFUSED: ['engine-unreachable', 'the connection was refused', 'is dockerd running, and listening there?'],
  EACCES: ['unauthorized', 'permission denied', 'run with sudo, or as a member of the group docker'],
  EPERM: ['unauthorized', 'operation not permitted', 'run with sudo, or as a member of the group docker'],
  ENOTSOCK: ['engine-unreachable', 'it is not a socket', 'give the path of the engine\'s socket'],
  ENOTDIR: ['engine-unreachable', 'the socket does not exist', 'give the path of the engine\'s socket'],
  ENOTFOUND: ['engine-unreachable', 'the name is unknown', 'check the host name'],
  EAI_AGAIN: ['engine-unreachable', 'the name cannot be resolved now', 'check the host name and the name server'],
  EHOSTUNREACH: ['engine-unreachable', 'there is no way to the host', 'check the address and the network'],
  ENETUNREACH: ['engine-unreachable', 'there is no way to the network', 'check the address and the network'],
  ETIMEDOUT: ['engine-unreachable', 'the host does not answer', 'check the address, the network and the firewall'],
}

const speaksNoTls = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'])
const badCertificate = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME|ERR_TLS/

/** Why no connection could be made, in words and with the next step. */
export function whyUnreachable(thrown: unknown): { code: ErrorCode; reason: string; hints: readonly string[] } {
  if (thrown instanceof Unreachable) return { code: thrown.errorCode, reason: thrown.message, hints: thrown.hints }
  const errno = errnoOf(thrown) ?? ''
  const text = messageOf(thrown)
  const known = reasons[errno]
  if (known !== undefined) return { code: known[0], reason: known[1], hints: [known[2]] }
  if (/alert|handshake failure|unknown ca|bad certificate|certificate required/i.test(text)) {
    return { code: 'unauthorized', reason: `the engine refused our TLS certificate (${tidyTls(text)})`, hints: ['check cert.pem and key.pem in DOCKER_CERT_PATH or in the context'] }
  }
  if (speaksNoTls.has(errno)) return { code: 'engine-unreachable', reason: 'it does not speak TLS', hints: ['unset DOCKER_TLS_VERIFY and DOCKER_TLS, or use the engine\'s TLS port'] }
  if (badCertificate.test(errno)) return { code: 'unauthorized', reason: `the engine's TLS certificate is not trusted: ${text}`, hints: ['check ca.pem in DOCKER_CERT_PATH or in the context, and the host name in the address'] }
  if (errno.startsWith('HPE_')) return { code: 'engine-unreachable', reason: 'what answers there does not speak HTTP', hints: ['check the port'] }
  if (isLost(thrown)) return { code: 'engine-unreachable', reason: 'it closed the connection at once', hints: ['does the port speak TLS? then set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH'] }
  return { code: 'engine-unreachable', reason: text, hints: [] }
}

/** `C0B7…:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:…` in its readable part. */
function tidyTls(text: string): string {
  return /:([^:]*alert[^:]*):/.exec(text)?.[1] ?? /:([^:]*(?:certificate|handshake)[^:]*):/.exec(text)?.[1] ?? text
}
