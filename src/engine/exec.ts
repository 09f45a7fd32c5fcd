import type { ApiClient } from './api-client.ts'
import { splitConnection } from './attach.ts'
import type { ExecOptions, ExecResult, RunningExec } from './engine.ts'
import { encodeName, parseAnswer } from './plain-verbs.ts'
import { readToEnd } from './read-to-end.ts'

/** Runs a command in a running container, without input, and collects what it says. */
export async function runInContainer(client: ApiClient, id: string, command: readonly string[], options?: ExecOptions): Promise<ExecResult> {
  const running = await startInContainer(client, id, command, options)
  try {
    const [stdout, stderr] = await Promise.all([readToEnd(running.stdout), readToEnd(running.stderr)])
    return { exitCode: await running.exitCode(), stdout, stderr }
  } finally {
    running.close()
  }
}

/** Starts a command in a running container. Both outputs must be read: they share one connection. */
export async function startInContainer(client: ApiClient, id: string, command: readonly string[], options?: ExecOptions & { stdin?: boolean }): Promise<RunningExec> {
  const doing = `running "${command.join(' ')}" in container "${id}"`
  const signal = options?.signal
  const stdin = options?.stdin === true
  const body = { AttachStdin: stdin, AttachStdout: true, AttachStderr: true, Cmd: command, ...(options?.user === undefined ? {} : { User: options.user }), ...(options?.env ? { Env: options.env } : {}) }
  const { Id: execId } = parseAnswer(await client.quick({ method: 'POST', path: `/containers/${encodeName(id)}/exec`, json: body, doing, signal })) as { Id: string }
  const request = { method: 'POST', path: `/exec/${execId}/start`, json: { Detach: false, Tty: false }, doing, signal } as const
  const streams = splitConnection(client, await client.hijack(request), false, request)
  const exitCode = async (): Promise<number> => {
    const { ExitCode } = parseAnswer(await client.quick({ method: 'GET', path: `/exec/${execId}/json`, doing, signal })) as { ExitCode: number | null }
    return ExitCode ?? -1
  }
  return { ...streams, exitCode }
}
