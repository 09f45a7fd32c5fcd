import { spawn } from 'node:child_process'
import type { SshTarget } from './endpoint.ts'
import { readToEnd } from './read-to-end.ts'
import { destination } from './ssh-arguments.ts'

/** With instructions for AES, as nearly every server has them, several times as fast as ssh's first choice. */
const fast = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com']

/**
 * The ciphers that the user's configuration allows for a host, the fast ones first: none that it forbids, and none less than it
 * allows. Undefined where ssh does not tell, or there is nothing to change.
 */
export async function cipherOrder(target: SshTarget, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const child = spawn('ssh', ['-G', ...destination(target)], { stdio: ['ignore', 'pipe', 'ignore'], env })
  const failed = new Promise<undefined>(resolve => child.once('error', () => resolve(undefined)))
  const output = await Promise.race([readToEnd(child.stdout), failed])
  const allowed = /^ciphers (\S+)$/m.exec(output?.toString() ?? '')?.[1]?.split(',') ?? []
  const first = fast.filter(each => allowed.includes(each))
  return first.length === 0 ? undefined : [...first, ...allowed.filter(each => !first.includes(each))].join(',')
}
