import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.ts'
import type { LabHost } from './host.ts'

const program = new URL('../../../bin/dray.js', import.meta.url).pathname

/** The result of `dray … --json`, and every event before it. */
export type DrayRun = { readonly result: Record<string, unknown>; readonly events: readonly Record<string, unknown>[]; readonly exitCode: number; readonly stderr: string }

/** The real command line against one host, with a repository, state and configuration of its own in `folder`. */
export class DrayCommand {
  private readonly host: LabHost
  private readonly folder: string

  constructor(host: LabHost, folder: string) {
    this.host = host
    this.folder = folder
  }

  get repository(): string {
    return join(this.folder, 'repo')
  }

  /** Rejects, with what was said, when it ends otherwise than with exit code 0. */
  async must(...args: readonly string[]): Promise<DrayRun> {
    const ended = await this.run(...args)
    if (ended.exitCode !== 0) throw new Error(`"dray ${args.join(' ')}" ended with ${ended.exitCode}: ${ended.stderr}\n${ended.events.map(event => JSON.stringify(event)).join('\n')}`)
    return ended
  }

  async run(...args: readonly string[]): Promise<DrayRun> {
    await mkdir(this.folder, { recursive: true })
    const env = { PATH: process.env['PATH'], HOME: this.folder, XDG_STATE_HOME: this.folder, XDG_DATA_HOME: this.folder, XDG_CACHE_HOME: this.folder, DOCKER_CONFIG: this.folder }
    const { stdout, stderr, exitCode } = await run(process.execPath, [program, ...args, '--json', '-H', `unix://${this.host.socket}`, '-r', this.repository], { env })
    const events = stdout.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Record<string, unknown>)
    return { result: events.at(-1) ?? {}, events, exitCode, stderr }
  }
}

/** What a backup says about itself. */
export type BackupFigures = {
  readonly id: string
  readonly storedBytes: number
  readonly milliseconds: number
  readonly freeze: { readonly way: string; readonly milliseconds: number; readonly disturbed: boolean }
  readonly mounts: readonly { readonly label: string; readonly reader: string; readonly entries: number; readonly dataBytes: number; readonly readBytes: number; readonly keptEntries: number }[]
}

/** The backups that a run of `dray backup` made. */
export function backupsOf({ result }: DrayRun): BackupFigures[] {
  return (result as { readonly backups: BackupFigures[] }).backups
}
