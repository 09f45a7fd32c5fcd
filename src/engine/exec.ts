import type { ApiClient } from './api-client.ts'
import { splitConnection } from './attach.ts'
import type { CallOptions, ExecResult } from './engine.ts'
import { encodeName, parseAnswer } from './plain-verbs.ts'
import { readToEnd } from './read-to-end.ts'

/** Runs a command in a running container, without input, and collects what it says. */
export async function runInContainer(client: ApiClient, id: string, command: readonly string[], options?: CallOptions & { user?: string; env?: readonly string[] }): Promise<ExecResult> {
  const doing = `running "${command.join(' ')}" in container "${id}"`
  const signal = options?.signal
  const body = { AttachStdout: true, AttachStderr: true, Cmd: command, ...(options?.user === undefined ? {} : { User: options.user }), ...(options?.env ? { Env: options.env } : {}) }
  const { Id: execId } = parseAnswer(await client.quick({ method: 'POST', path: `/containers/${encodeName(id)}/exec`, json: body, doing, signal })) as { Id: string }
  const request = { method: 'POST', path: `/exec/${execId}/start`, json: { Detach: false, Tty: false }, doing, signal } as const
  const streams = splitConnection(client, await client.hijack(request), false, request)
  try {
    const [stdout, stderr] = await Promise.all([readToEnd(streams.stdout), readToEnd(streams.stderr)])
    const { ExitCode } = parseAnswer(await client.quick({ method: 'GET', path: `/exec/${execId}/json`, doing, signal })) as { ExitCode: number | null }
    return { exitCode: ExitCode ?? -1, stdout, stderr }
  } finally {
    streams.close()
  }
}
