import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

export type Measured = {
  readonly seconds: number
  /** Of the process and what it started and waited for. */
  readonly cpuSeconds: number
  /** The most memory that the process itself had resident. */
  readonly peakBytes: number
}

/** The kernel's clock ticks, which are 100 a second on every platform of node. */
const ticksPerSecond = 100
const pollMs = 10

/**
 * Runs a program to its end and measures it from outside, its start included. The peak is the kernel's own high-water mark,
 * read until the process ends. Rejects with what it said when it fails.
 */
export async function runTimed(program: string, args: readonly string[], { env = process.env }: { readonly env?: NodeJS.ProcessEnv } = {}): Promise<Measured & { readonly stdout: string }> {
  const startedAt = performance.now()
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
  let peakBytes = 0
  let cpuSeconds = 0
  const watch = setInterval(() => {
    const seen = look(child.pid)
    peakBytes = Math.max(peakBytes, seen?.peakBytes ?? 0)
    cpuSeconds = Math.max(cpuSeconds, seen?.cpuSeconds ?? 0)
  }, pollMs)
  try {
    const { code, seconds } = await new Promise<{ code: number | null; seconds: number }>((resolve, reject) => {
      let endedAt = 0
      child.once('error', reject)
      child.once('exit', () => (endedAt = performance.now()))
      child.once('close', exitCode => resolve({ code: exitCode, seconds: (endedAt - startedAt) / 1000 }))
    })
    if (code !== 0) throw new Error(`"${[program, ...args].join(' ').slice(0, 300)}" ended with ${code ?? 'a signal'}: ${said.stderr.trim().slice(-2000)}`)
    return { seconds, cpuSeconds, peakBytes, stdout: said.stdout }
  } finally {
    clearInterval(watch)
  }
}

function look(pid: number | undefined): { readonly peakBytes: number; readonly cpuSeconds: number } | undefined {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'latin1'))?.[1]
    const stat = readFileSync(`/proc/${pid ?? 0}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0)
    return { peakBytes: Number(peak ?? 0) * 1024, cpuSeconds: ticks / ticksPerSecond }
  } catch {
    return undefined
  }
}
