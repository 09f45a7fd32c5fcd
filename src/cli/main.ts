import { constants } from 'node:os'
import yargs, { type Argv } from 'yargs'
import { DrayError } from '../errors/dray-error.ts'
import { exitCodes } from '../errors/exit-codes.ts'
import { errorJson, errorText } from '../ui/error-text.ts'
import { JsonReporter } from '../ui/json-reporter.ts'
import { TextReporter } from '../ui/text-reporter.ts'
import type { Reporter } from '../workflows/reporter.ts'
import type { Command, CommandResult, GlobalOptions } from './command.ts'
import { CommandResources, defaultRepository, stateFolder } from './command-resources.ts'
import { commands } from './commands.ts'
import { readVersion } from './version.ts'

/** Runs one command line and resolves with its exit code. Everything is closed by then: the process may simply end. */
export async function main(argv: readonly string[]): Promise<number> {
  process.stdout.on('error', () => undefined)
  let chosen: { command: Command; args: Record<string, unknown> } | undefined
  try {
    const parser = buildParser(argv, (command, args) => (chosen = { command, args }))
    let printed = ''
    await parser.parseAsync([...argv], {}, (error, _args, output) => {
      if (error) throw error instanceof DrayError ? error : new DrayError('usage', error.message)
      printed = output
    })
    if (printed) process.stdout.write(`${printed}\n`)
    if (!chosen) return 0
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`)
    return error instanceof DrayError ? error.exitCode : exitCodes.unexpected
  }
  return await execute(chosen.command, chosen.args, argv)
}

function buildParser(argv: readonly string[], choose: (command: Command, args: Record<string, unknown>) => void): Argv {
  let parser = yargs([...argv])
    .scriptName('dray')
    .usage('dray <command>: back up, restore and migrate Docker containers, whole')
    .exitProcess(false)
    .strict()
    .recommendCommands()
    .parserConfiguration({ 'duplicate-arguments-array': true, 'camel-case-expansion': true, 'boolean-negation': false, 'populate--': true, 'parse-positional-numbers': false })
    .option('host', { alias: 'H', type: 'string', global: true, describe: 'engine: unix:///path, tcp://host:port, ssh://[user@]host, or a docker context (default: as docker does it)' })
    .option('repo', { alias: 'r', type: 'string', global: true, describe: 'repository folder (default: $DRAY_REPO, else ~/.local/share/drayage/repo)' })
    .option('json', { type: 'boolean', default: false, global: true, describe: 'events and result as NDJSON on stdout' })
    .option('quiet', { alias: 'q', type: 'boolean', default: false, global: true, describe: 'say nothing but warnings, errors and the result' })
    .option('verbose', { alias: 'v', type: 'boolean', default: false, global: true, describe: 'say every step' })
    .option('yes', { alias: 'y', type: 'boolean', default: false, global: true, describe: 'answer every question with yes' })
    .option('dry-run', { type: 'boolean', default: false, global: true, describe: 'show what would be done, and do nothing' })
    .version('version', 'Show the version', readVersion())
    .help('help', 'Show help')
    .alias('help', 'h')
    .demandCommand(1, 'name a command')
    .epilogue('Exit codes: 0 done, 3 done but incomplete, 2 usage, 10 engine unreachable, 11 not found, 12 conflict, … (docs/exit-codes.md)')
    .wrap(Math.min(110, process.stdout.columns || 110))
    .fail((message, error: Error | undefined) => {
      if (error instanceof DrayError) throw error
      throw new DrayError('usage', (message || error?.message || 'wrong arguments').replace(/\.$/, '').replace(/^[A-Z]/, first => first.toLowerCase()), { hints: [`dray ${argv[0]?.startsWith('-') === false ? `${argv[0]} ` : ''}--help`] })
    })
  for (const command of commands) {
    parser = parser.command({
      command: command.usage,
      describe: command.summary,
      builder: (sub: Argv) => command.examples.reduce((each, [line, text]) => each.example(line, text), command.options(sub)),
      handler: args => choose(command, args as Record<string, unknown>),
    })
  }
  return parser
}

async function execute(command: Command, args: Record<string, unknown>, argv: readonly string[]): Promise<number> {
  const globals = readGlobals(args)
  const interrupts = new AbortController()
  const stopListening = listenForSignals(interrupts)
  const { reporter, stop } = await startReporter(globals)
  const resources = new CommandResources(globals, interrupts.signal)
  try {
    const result = await command.run(args, {
      globals,
      reporter,
      signal: interrupts.signal,
      env: process.env,
      commandLine: ['dray', ...argv].join(' '),
      width: process.stdout.columns || 100,
      connect: host => resources.connect(host),
      openRepository: options => resources.openRepository(options),
      journalFolder: `${stateFolder(process.env)}/journal`,
    })
    stop()
    printResult(result, globals)
    return result.exitCode ?? 0
  } catch (error) {
    stop()
    return reportFailure(error, globals)
  } finally {
    await resources.close()
    stopListening()
  }
}

function readGlobals(args: Record<string, unknown>): GlobalOptions {
  const host = args['host']
  const repo = args['repo']
  return {
    host: typeof host === 'string' && host !== '' ? host : undefined,
    repo: typeof repo === 'string' && repo !== '' ? repo : defaultRepository(process.env),
    json: args['json'] === true,
    quiet: args['quiet'] === true,
    verbose: args['verbose'] === true,
    yes: args['yes'] === true,
    dryRun: args['dryRun'] === true,
  }
}

async function startReporter(globals: GlobalOptions): Promise<{ reporter: Reporter; stop: () => void }> {
  if (globals.json) {
    const reporter = new JsonReporter(event => void process.stdout.write(`${JSON.stringify(event)}\n`))
    return { reporter, stop: () => reporter.stop() }
  }
  const live = process.stderr.isTTY && process.env['TERM'] !== 'dumb' && process.env['CI'] === undefined
  const reporter = new TextReporter({ stream: process.stderr, live, quiet: globals.quiet, verbose: globals.verbose })
  await reporter.start()
  return { reporter, stop: () => reporter.stop() }
}

function printResult(result: CommandResult, globals: GlobalOptions): void {
  if (globals.json) process.stdout.write(`${JSON.stringify({ event: 'result', ok: (result.exitCode ?? 0) === 0, exitCode: result.exitCode ?? 0, ...result.json })}\n`)
  else if (result.text !== '') process.stdout.write(`${result.text}\n`)
}

function reportFailure(error: unknown, globals: GlobalOptions): number {
  const exitCode = error instanceof DrayError ? error.exitCode : exitCodes.unexpected
  if (globals.json) {
    process.stderr.write(`${JSON.stringify({ event: 'error', ...errorJson(error) })}\n`)
    process.stdout.write(`${JSON.stringify({ event: 'result', ok: false, exitCode, error: errorJson(error) })}\n`)
  } else {
    process.stderr.write(`${errorText(error)}\n`)
  }
  return exitCode
}

/** The first signal aborts the run, which then puts everything back; the second ends the process where it stands. */
function listenForSignals(controller: AbortController): () => void {
  const onSignal = (name: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void => {
    if (controller.signal.aborted) {
      process.stderr.write(`dray: stopped at the second signal\ndray: hint: see and remove what is left with: dray clean\n`)
      process.kill(process.pid, 'SIGKILL')
      return
    }
    process.stderr.write(`dray: ${name}: stopping and putting everything back (once more to stop at once)\n`)
    const code = name === 'SIGINT' ? 'interrupted' : 'terminated'
    controller.abort(new DrayError(code, `stopped by ${name} (${constants.signals[name]})`))
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, onSignal)
  return () => {
    for (const name of names) process.off(name, onSignal)
  }
}
