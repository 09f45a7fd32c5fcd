import { join } from 'node:path'
import { DrayError } from '../errors/dray-error.ts'
import { exitCodes } from '../errors/exit-codes.ts'
import { interruption } from '../pipeline/pipeline.ts'
import { errorJson, errorText } from '../ui/error-text.ts'
import { forTerminal, isUtf8Locale } from '../ui/plain-text.ts'
import type { JsonEvent } from '../ui/json-events.ts'
import { JsonReporter } from '../ui/json-reporter.ts'
import { TextReporter } from '../ui/text-reporter.ts'
import type { Reporter } from '../workflows/reporter.ts'
import type { Command, CommandResult, GlobalOptions } from './command.ts'
import { CommandResources, cacheFolder, stateFolder } from './command-resources.ts'
import { completeWord } from './completion/scripts.ts'
import { readGlobals, withConfiguredRepository } from './global-options.ts'
import { parseLine } from './parser.ts'
import { OutputClosed, StandardOutput } from './standard-output.ts'

/** Runs one command line and resolves with its exit code. Everything is closed by then: the process may simply end. */
export async function main(argv: readonly string[]): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined) // a terminal or reader may go away; the work is ended by SIGHUP, or goes on
  if (argv[0] === completeWord) return await answerShell(argv.slice(1))
  try {
    const parsed = await parseLine(argv)
    if ('command' in parsed) return await execute(parsed.command, parsed.args, argv)
    if (parsed.help !== '' && isJson(argv)) emit({ event: 'result', ok: true, exitCode: 0, help: parsed.help })
    else if (parsed.help !== '') process.stdout.write(`${forTerminal(parsed.help, process.stdout)}\n`)
    return 0
  } catch (error) {
    return reportFailure(error, { json: isJson(argv) })
  }
}

function isJson(argv: readonly string[]): boolean {
  return (argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv).includes('--json')
}

/** What completes the last of the words; nothing when that cannot be known. */
async function answerShell(words: readonly string[]): Promise<number> {
  const { completeLine } = await import('./completion/complete-line.ts')
  const candidates = await completeLine(words, process.env)
  process.stdout.write(candidates.map(({ word, describe }) => `${word}${describe === undefined ? '' : `\t${describe}`}\n`).join(''))
  return 0
}

async function execute(command: Command, args: Record<string, unknown>, argv: readonly string[]): Promise<number> {
  const globals = await withConfiguredRepository(readGlobals(args))
  const interrupts = new AbortController()
  const stopListening = listenForSignals(interrupts)
  const { reporter, rest, stop } = await startReporter(globals)
  const resources = new CommandResources(globals, interrupts.signal, text => reporter.note(text))
  const output = new StandardOutput()
  try {
    const result = await command.run(args, {
      globals,
      reporter,
      signal: interrupts.signal,
      env: process.env,
      commandLine: ['dray', ...argv].join(' '),
      width: process.stdout.columns || Infinity,
      connect: (host, from, compress) => resources.connect(host, from, compress),
      openRegistry: name => resources.openRegistry(name),
      registryNames: join(cacheFolder(process.env), 'registry-names'),
      openRepository: options => resources.openRepository(options),
      rest,
      output,
      emit: event => output.line(JSON.stringify(event)),
      journalFolder: `${stateFolder(process.env)}/journal`,
    })
    stop()
    await output.flush()
    printResult(result, globals, command.isSilentWhenWell === true)
    return result.exitCode ?? 0
  } catch (error) {
    stop()
    if (error instanceof OutputClosed && !error.isData) return 0
    await output.flush().catch(() => undefined)
    const isAbort = interrupts.signal.aborted && !(error instanceof DrayError)
    return reportFailure(isAbort ? interruption(interrupts.signal) : error, globals)
  } finally {
    await resources.close()
    stopListening()
  }
}

async function startReporter(globals: GlobalOptions): Promise<{ reporter: Reporter; rest: () => void; stop: () => void }> {
  if (globals.json) {
    const reporter = new JsonReporter(emit)
    return { reporter, rest: () => undefined, stop: () => reporter.stop() }
  }
  const live = process.stderr.isTTY && process.env['TERM'] !== 'dumb' && process.env['CI'] === undefined
  const reporter = new TextReporter({ stream: process.stderr, live, quiet: globals.quiet, verbose: globals.verbose, colours: (process.env['NO_COLOR'] ?? '') === '', signs: isUtf8Locale(process.env) })
  await reporter.start()
  return { reporter, rest: () => reporter.rest(), stop: () => reporter.stop() }
}

function emit(event: JsonEvent, stream: NodeJS.WriteStream = process.stdout): void {
  stream.write(`${JSON.stringify(event)}\n`)
}

function printResult(result: CommandResult, globals: GlobalOptions, isSilentWhenWell: boolean): void {
  const isSilent = globals.quiet && isSilentWhenWell && !globals.dryRun && (result.exitCode ?? 0) === 0
  if (globals.json) emit({ event: 'result', ok: (result.exitCode ?? 0) === 0, exitCode: result.exitCode ?? 0, ...result.json })
  else if (result.text !== '' && !isSilent) process.stdout.write(`${forTerminal(result.text, process.stdout)}\n`)
}

function reportFailure(error: unknown, globals: Pick<GlobalOptions, 'json'>): number {
  const exitCode = error instanceof DrayError ? error.exitCode : exitCodes.unexpected
  if (globals.json) {
    emit({ event: 'error', ...errorJson(error) }, process.stderr)
    emit({ event: 'result', ok: false, exitCode, error: errorJson(error) })
  } else {
    process.stderr.write(`${forTerminal(errorText(error), process.stderr)}\n`)
  }
  return exitCode
}

const wordsOfSignals = { SIGINT: 'stopped, as asked with Ctrl-C (SIGINT)', SIGTERM: 'stopped, as another program asked (SIGTERM)', SIGHUP: 'stopped, because its terminal or connection has ended (SIGHUP)' } as const

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
    controller.abort(new DrayError(code, wordsOfSignals[name]))
  }
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of names) process.on(name, onSignal)
  return () => {
    for (const name of names) process.off(name, onSignal)
  }
}
