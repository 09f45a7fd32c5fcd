import { spawn } from 'node:child_process'
import type { HostShell } from '../../src/engine/host-shell.ts'

/** A shell on this machine for tests that have no engine. */
export const plainShell: HostShell = {
  kind: 'local',
  where: 'this machine',
  start(argv, { signal, env } = {}) {
    const [program = '', ...args] = argv
    const child = spawn(program, args, { stdio: 'pipe', ...(signal && { signal }), env: { ...process.env, ...env } })
    child.on('error', () => undefined)
    const exited = new Promise<{ exitCode: number | null; signalName: string | null }>(resolve => child.once('close', (exitCode, signalName) => resolve({ exitCode, signalName })))
    return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exited }
  },
  async run(argv, { signal, input } = {}) {
    const child = this.start(argv, signal ? { signal } : {})
    child.stdin.end(input)
    const [stdout, stderr, { exitCode }] = await Promise.all([child.stdout.toArray(), child.stderr.toArray(), child.exited])
    return { exitCode, stdout: Buffer.concat(stdout as Buffer[]), stderr: Buffer.concat(stderr as Buffer[]).toString() }
  },
}
