import type { Argv } from 'yargs'
import type { Engine } from '../engine/engine.ts'
import type { RegistryName } from '../registry/reference.ts'
import type { RegistryRepository } from '../registry/registry-repository.ts'
import type { Repository } from '../store/repository.ts'
import type { JsonEvent } from '../ui/json-events.ts'
import type { Reporter } from '../workflows/reporter.ts'
import type { StandardOutput } from './standard-output.ts'

/** Options that every command takes. */
export type GlobalOptions = {
  readonly host: string | undefined
  readonly repo: string
  /** Registries may be spoken to without TLS, or with any certificate. */
  readonly insecure: boolean
  /** Whether an option or DRAY_REPO named it. */
  readonly isRepoGiven: boolean
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly yes: boolean
  readonly dryRun: boolean
  /** A configuration file that was named. */
  readonly config: string | undefined
}

/** What a command gets besides its arguments. Engines and repositories opened here are closed when it ends. */
export type CommandContext = {
  readonly globals: GlobalOptions
  readonly reporter: Reporter
  readonly signal: AbortSignal
  readonly env: NodeJS.ProcessEnv
  readonly commandLine: string
  /** The width of the terminal; without one nothing is cut: Infinity. */
  readonly width: number
  /** `from` says in messages who named the host: an option, unless told. What goes over ssh is compressed if it is wanted. */
  connect(host?: string, from?: string, compress?: boolean): Promise<Engine>
  /** `path`: another one than --repo, DRAY_REPO or the configuration name. */
  openRepository(options: { readonly create: boolean; readonly path?: string }): Promise<Repository>
  /** For what is long, and comes before the result: lines for people, data. */
  readonly output: StandardOutput
  /** Takes the live view away until something goes on again: somebody is asked. */
  readonly rest: () => void
  /** One event of `--json`, in its order among the lines of the output. */
  readonly emit: (event: JsonEvent) => Promise<void>
  openRegistry(name: RegistryName): RegistryRepository
  /** A file that remembers the names in registries that were used. */
  readonly registryNames: string
  /** Where journals lie: $XDG_STATE_HOME/drayage/journal. */
  readonly journalFolder: string
}

/** What a command has to say in the end: `text` on stdout for people, `json` as the result event. */
export type CommandResult = { readonly text: string; readonly json: object; readonly exitCode?: number }

/** One command: argv in, result out. `examples` are shown by --help: the command line, then what it does. */
export type Command = {
  readonly usage: string
  readonly summary: string
  readonly examples: readonly (readonly [string, string])[]
  readonly options: (yargs: Argv) => Argv
  readonly run: (args: Record<string, unknown>, context: CommandContext) => Promise<CommandResult>
  /** With --quiet its result is not printed either when all is well: it was told to do something, and has. */
  readonly isSilentWhenWell?: boolean
}
