import { dirname } from 'node:path'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { get } from 'node:http'
import { path } from './boot.ts'
import { waitUntil } from './wait.ts'

/** True when the engine answers GET /_ping. */
export function ping(socketPath: string): Promise<boolean> {
  return new Promise(resolve => {
    const request = get({ socketPath, path: '/_ping', timeout: 2000, agent: false }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}

export type DockerdOptions = { readonly hostPid: number; readonly configPath: string; readonly logPath: string; readonly socket: string }

/**
 * Starts dockerd in a host and waits until it answers. Rejects with the end of its log when it does not. What it and its children
 * write for the moment lies beside its configuration: a containerd that is killed for not answering leaves its stacks there.
 */
export async function startDockerd({ hostPid, configPath, logPath, socket }: DockerdOptions): Promise<ChildProcess> {
  const log = await open(logPath, 'a')
  const child = spawn('nsenter', ['--target', String(hostPid), '--net', '--mount', '--uts', '--pid', 'dockerd', '--config-file', configPath], { env: { PATH: path, TMPDIR: dirname(configPath) }, cwd: '/', stdio: ['ignore', log.fd, log.fd] })
  await log.close()
  const ended = once(child, 'exit')
  const isDead = () => child.exitCode !== null || child.signalCode !== null
  try {
    await waitUntil(async () => isDead() || await ping(socket), 'dockerd', 60_000)
    if (isDead()) throw new Error('dockerd ended')
  } catch (error) {
    child.kill('SIGKILL')
    await ended
    throw new Error(`${(error as Error).message}; its log ends:\n${await lastLines(logPath)}`, { cause: error })
  }
  child.unref()
  return child
}

/** Sends a signal to the engine itself and waits until it is gone. */
export async function endDockerd(child: ChildProcess, pidInside: string, hostPid: number, signal: 'KILL' | 'TERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.ref()
  const ended = once(child, 'exit')
  const kill = spawn('nsenter', ['--target', String(hostPid), '--mount', '--pid', 'sh', '-c', `kill -${signal} "$(cat ${pidInside})"`], { env: { PATH: path } })
  await once(kill, 'exit')
  await ended
}

export async function lastLines(file: string, count = 30): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
