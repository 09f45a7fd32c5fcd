import { spawn } from 'node:child_process'

export type CommandOptions = {
  readonly input?: string | Buffer
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

export type CommandResult = { readonly stdout: string; readonly stderr: string; readonly exitCode: number }

/** Runs a program to its end, whatever its exit code. Rejects only when it cannot be started. A signal counts as exit code 128. */
export function run(program: string, args: readonly string[], { input, env, cwd }: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.stdin.on('error', () => undefined) // a program may end without reading its input
    child.on('error', reject)
    child.on('close', code => {
      resolve({ stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), exitCode: code ?? 128 })
    })
    child.stdin.end(input)
  })
}

/** Runs a program and returns its standard output. Rejects with what it said when it fails. */
export async function must(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { stdout, stderr, exitCode } = await run(program, args, options)
  if (exitCode !== 0) throw new Error(`"${[program, ...args].join(' ').slice(0, 300)}" ended with ${exitCode}: ${stderr.trim() || stdout.trim()}`)
  return stdout
}
