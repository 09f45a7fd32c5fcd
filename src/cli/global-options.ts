import type { Argv } from 'yargs'
import type { GlobalOptions } from './command.ts'
import { defaultRepository } from './command-resources.ts'
import { hasConfig } from './config/places.ts'

/** Those that every command takes. */
export function withGlobalOptions(parser: Argv): Argv {
  return parser
    .option('host', { alias: 'H', type: 'string', global: true, describe: 'engine: unix:///path, tcp://host:port, ssh://[user@]host, or a docker context (default: as docker does it)' })
    .option('repo', { alias: 'r', type: 'string', global: true, describe: 'repository: a folder, or oci://HOST[:PORT]/NAME (default: $DRAY_REPO, else ~/.local/share/drayage/repo)' })
    .option('insecure', { type: 'boolean', default: false, global: true, describe: 'speak to registries without TLS, or whatever their certificate is' })
    .option('json', { type: 'boolean', default: false, global: true, describe: 'events and result as NDJSON on stdout' })
    .option('quiet', { alias: 'q', type: 'boolean', default: false, global: true, describe: 'say nothing but warnings and errors; of what was only asked, the answer' })
    .option('verbose', { alias: 'v', type: 'boolean', default: false, global: true, describe: 'say every step' })
    .option('yes', { alias: 'y', type: 'boolean', default: false, global: true, describe: 'answer every question with yes' })
    .option('dry-run', { type: 'boolean', default: false, global: true, describe: 'show what would be done, and do nothing' })
    .option('config', { type: 'string', global: true, describe: 'configuration file (default: $DRAY_CONFIG, ~/.config/drayage/config.yaml, /etc/drayage/config.yaml)' })
    .group(['host', 'repo', 'insecure', 'json', 'quiet', 'verbose', 'yes', 'dry-run', 'config', 'version', 'help'], 'Options of every command:')
}

export function readGlobals(args: Record<string, unknown>): GlobalOptions {
  const host = args['host']
  const repo = args['repo']
  return {
    host: typeof host === 'string' && host !== '' ? host : undefined,
    repo: typeof repo === 'string' && repo !== '' ? repo : defaultRepository(process.env),
    insecure: args['insecure'] === true,
    isRepoGiven: (typeof repo === 'string' && repo !== '') || (process.env['DRAY_REPO'] ?? '') !== '',
    json: args['json'] === true,
    quiet: args['quiet'] === true,
    verbose: args['verbose'] === true,
    yes: args['yes'] === true,
    dryRun: args['dryRun'] === true,
    config: typeof args['config'] === 'string' && args['config'] !== '' ? args['config'] : undefined,
  }
}

/** The configuration is looked at only when nothing else says where the repository is. Libraries for it take a while to load. */
export async function withConfiguredRepository(globals: GlobalOptions): Promise<GlobalOptions> {
  if (globals.isRepoGiven || !hasConfig(globals.config, process.env)) return globals
  const { configuredRepository } = await import('./config/read-config.ts')
  const repository = await configuredRepository(globals.config, process.env)
  return repository === undefined ? globals : { ...globals, repo: repository }
}
