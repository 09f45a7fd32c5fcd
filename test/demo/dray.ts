import { spawn } from 'node:child_process'
import { join } from 'node:path'

const program = new URL('../../../bin/dray.js', import.meta.url).pathname

/** Runs the real command with a repository and a state of the demo's own. */
export class Dray {
  private readonly env: NodeJS.ProcessEnv
  private readonly show: (line: string) => void

  constructor(folder: string, show: (line: string) => void) {
    this.env = { ...process.env, DRAY_REPO: join(folder, 'repository'), XDG_STATE_HOME: join(folder, 'state') }
    this.show = show
  }

  /** Its output goes to ours. Throws unless it ends with 0. */
  async run(...args: string[]): Promise<void> {
    this.show(`$ dray ${args.join(' ')}`)
    const child = spawn(process.execPath, ['--no-warnings', program, ...args], { env: this.env, stdio: ['ignore', 'inherit', 'inherit'] })
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
    })
    if (exitCode !== 0) throw new Error(`dray ${args.join(' ')} ended with ${exitCode}`)
  }
}
