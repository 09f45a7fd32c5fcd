import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const program = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))

export type DrayEvent = { readonly event: string; readonly name?: string; readonly state?: string; readonly text?: string; readonly bytes?: number } & Readonly<Record<string, unknown>>

export type DrayEnd = { readonly exitCode: number; readonly stderr: string; readonly events: readonly DrayEvent[]; readonly result: Readonly<Record<string, unknown>> | undefined }

/** `dray --json` as a process of its own, which can be met at any of its events. */
export class DrayProcess {
  readonly events: DrayEvent[] = []
  readonly child: ChildProcess
  readonly ended: Promise<DrayEnd>
  private stderr = ''

  constructor(args: readonly string[], env: NodeJS.ProcessEnv, onEvent: (event: DrayEvent, child: ChildProcess) => void = () => undefined) {
    const child = spawn(process.execPath, [program, ...args, '--json'], { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    const lines = createInterface({ input: child.stdout })
    lines.on('line', line => {
      const event = JSON.parse(line) as DrayEvent
      this.events.push(event)
      onEvent(event, child)
    })
    this.ended = Promise.all([once(child, 'close'), once(lines, 'close')]).then(([[code, signal]]) => ({
      exitCode: (code as number | null) ?? (signal === 'SIGKILL' ? 137 : 128),
      stderr: this.stderr,
      events: this.events,
      result: this.events.find(({ event }) => event === 'result'),
    }))
  }
}

export const isStep = (name: string, state = 'started') => (event: DrayEvent): boolean => event.event === 'step' && event.name === name && event.state === state

/** Runs dray and does something once, at the first event that fits. `met` says whether there was one. */
export async function drayWith(args: readonly string[], env: NodeJS.ProcessEnv, at: (event: DrayEvent) => boolean, act: (child: ChildProcess) => unknown): Promise<DrayEnd & { readonly met: boolean }> {
  let met = false
  const { ended } = new DrayProcess(args, env, (event, child) => {
    if (met || !at(event)) return
    met = true
    void act(child)
  })
  return { ...(await ended), met }
}
