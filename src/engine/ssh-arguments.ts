import type { SshTarget } from './endpoint.ts'
import { quoteForShell } from './shell-quote.ts'

/**
 * Options of every ssh. The user's configuration counts (ProxyJump, keys, host keys); switched off is only what would do
 * something else than to carry our bytes. Host keys are checked by ssh itself, as the user has set it.
 */
function commonOptions(mayAsk: boolean): string[] {
  return [
    '-T', '-a', '-x',
    ...option('ClearAllForwardings', 'yes'),
    ...option('RemoteCommand', 'none'),
    ...option('PermitLocalCommand', 'no'),
    ...option('LogLevel', 'ERROR'),
    ...option('ConnectTimeout', '30'),
    // The third question without an answer ends it: a dead link is noticed within 30 seconds, however silent a stream may be.
    ...option('ServerAliveInterval', '10'),
    ...option('ServerAliveCountMax', '2'),
    ...(mayAsk ? [] : option('BatchMode', 'yes')),
  ]
}

const option = (name: string, value: string): string[] => ['-o', `${name}=${value}`]

export function destination({ host, user, port }: SshTarget): string[] {
  return [...(user === undefined ? [] : ['-l', user]), ...(port === undefined ? [] : ['-p', String(port)]), '--', host]
}

/** `ciphers` in the order of preference; undefined leaves them to ssh. */
export type MasterOptions = { readonly compress: boolean; readonly ciphers: string | undefined }

/** Opens the shared connection and listens for sessions; runs nothing on the host. */
export function masterArguments(target: SshTarget, controlPath: string, mayAsk: boolean, { compress, ciphers }: MasterOptions): string[] {
  return ['-N', '-M', '-S', controlPath, ...option('ControlPersist', 'no'), ...(compress ? option('Compression', 'yes') : []), ...(ciphers === undefined ? [] : option('Ciphers', ciphers)), ...commonOptions(mayAsk), ...destination(target)]
}

/**
 * Runs a command over the shared connection. When the server opens no more sessions on it (MaxSessions), ssh by itself
 * makes a connection for this one. Without a control path the user's own shared connection is used.
 */
export function sessionArguments(target: SshTarget, controlPath: string | undefined, mayAsk: boolean, command: string): string[] {
  return [...(controlPath === undefined ? [] : ['-S', controlPath]), ...option('ControlMaster', 'no'), ...commonOptions(mayAsk), ...destination(target), command]
}

/** Docker's own way to its socket: it closes each direction on its own, as raw streams need it. */
export function dialCommand({ socketPath }: SshTarget): string {
  return socketPath === undefined ? 'docker system dial-stdio' : `docker ${quoteForShell(`--host=unix://${socketPath}`)} system dial-stdio`
}
