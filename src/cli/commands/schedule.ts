import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DrayError } from '../../errors/dray-error.ts'
import { didYouMean } from '../../errors/similar-name.ts'
import { renderTable } from '../../ui/table.ts'
import { listOf, textOf } from '../backup-options.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { parseDuration } from '../duration.ts'
import { findJob } from '../job-task.ts'
import { parseLine } from '../parser.ts'
import { bootService, cronFile, systemdFiles, type Program, type ScheduledCommand, type ScheduleFile } from '../schedule/schedule-files.ts'
import { choosePlace, installedFiles, removeScheduleFiles, systemctl, systemdRuns, writeScheduleFiles, type SchedulePlace, type SchedulerKind } from '../schedule/schedule-place.ts'
import { parseWhen, sayWhen } from '../schedule/when.ts'

const actions = ['list', 'show', 'install', 'remove'] as const

export const scheduleCommand: Command = {
  usage: 'schedule [action] [name]',
  summary: 'Have systemd or cron run a job of the configuration, or any dray command',
  examples: [
    ['dray schedule install nightly', 'the job "nightly" of the configuration, when its "at" says'],
    ['dray schedule install nightly --at 02:30 --random-delay 15min', 'or at a time given here'],
    ['dray schedule install check --at weekly -- verify --sample 5%', 'any other command, under a name'],
    ['dray schedule install test --at "Sun 05:00" -- drill latest web', 'whether the last backup of "web" boots'],
    ['dray schedule show nightly --cron', 'print the file for cron, and install nothing'],
    ['dray schedule remove nightly', 'take it away'],
    ['dray schedule', 'list what is installed, and the jobs that there are'],
  ],
  options: yargs => yargs
    .positional('action', { choices: actions, default: 'list', describe: 'what to do' })
    .positional('name', { type: 'string', describe: 'a job of the configuration, or a name for the command after "--"' })
    .option('at', { type: 'string', describe: '02:30, "Mon..Fri 02:30", hourly, daily, weekly or monthly; local time' })
    .option('random-delay', { type: 'string', describe: 'start up to so much later, so that not all hosts start at once: 15min' })
    .option('systemd', { type: 'boolean', default: false, describe: 'a systemd timer, also where systemd does not run' })
    .option('cron', { type: 'boolean', default: false, describe: 'a file in /etc/cron.d' })
    .option('user', { type: 'boolean', default: false, describe: 'a systemd timer of this user alone' }),
  run: async (args, context) => {
    const action = args['action'] as (typeof actions)[number]
    const name = textOf(args['name'])
    if (args['systemd'] === true && args['cron'] === true) throw new DrayError('usage', '--systemd or --cron, not both', { hints: ['say one of them'] })
    const wanted: SchedulerKind | undefined = args['systemd'] === true ? 'systemd' : args['cron'] === true ? 'cron' : undefined
    const place = choosePlace(action === 'show' ? (wanted ?? 'systemd') : wanted, args['user'] === true, context.env)
    if (action === 'list') return await list(place, context)
    if (name === undefined) throw new DrayError('usage', `say what to ${action}: a job, or a name for another command`, { hints: [`dray schedule ${action} nightly`, 'dray schedule lists what there is'] })
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(name) || name === 'clean') throw new DrayError('usage', `"${name}" cannot be the name of a schedule: letters, digits, "_", "." and "-", and not "clean"`, { hints: ['choose another name'] })
    if (action === 'remove') return await remove(place, name, context)
    const command = await readCommand(name, args, context)
    const files = filesOf(place, command, context.env)
    warnOfMissing(command, context)
    return action === 'show' ? { text: files.map(({ name: file, text }) => `# ${place.folder}/${file}\n${text}`).join('\n').trimEnd(), json: { folder: place.folder, files } } : await install(place, command, files, context)
  },
}

/** `variables` are names of what the configuration takes from the environment. */
type Scheduling = ScheduledCommand & { readonly variables: readonly string[] }

async function readCommand(name: string, args: Record<string, unknown>, context: CommandContext): Promise<Scheduling> {
  const words = listOf(args['--'])
  const { loadConfig, noConfig } = await import('../config/read-config.ts')
  const loaded = words.length > 0 ? undefined : await loadConfig(context.globals.config, context.env)
  const job = loaded === undefined ? undefined : findJob(loaded, name)
  if (words.length === 0 && job === undefined) throw noConfig(name, context.env)
  if (words.length > 0) await checkCommand(words)
  const at = textOf(args['at']) ?? job?.at
  if (at === undefined) throw new DrayError('usage', `when is "${name}" to run?`, { hints: ['say so with --at 02:30', ...(job === undefined ? [] : ['or with "at" in the job of the configuration'])] })
  const delay = textOf(args['randomDelay'])
  return {
    name,
    variables: loaded?.variables ?? [],
    args: loaded === undefined ? (words.includes('-q') || words.includes('--quiet') ? words : [...words, '-q']) : ['backup', '--job', name, '--config', resolve(loaded.path), '-q'],
    when: parseWhen(at),
    randomDelayMs: delay === undefined ? (job?.['random-delay'] ?? 0) : parseDuration(delay, 'random-delay'),
  }
}

/** It would fail every night, unseen. */
async function checkCommand(words: readonly string[]): Promise<void> {
  const parsed = await parseLine(words)
  if (!('command' in parsed)) throw new DrayError('usage', `"dray ${words.join(' ')}" does nothing`, { hints: ['dray --help lists the commands'] })
}

function filesOf(place: SchedulePlace, command: Scheduling, env: NodeJS.ProcessEnv): ScheduleFile[] {
  const program = thisProgram(command, env)
  return place.kind === 'cron' ? [cronFile(command, program)] : [...systemdFiles(command, program), ...(place.isUser ? [] : [bootService(program)])]
}

const secrets = ['DRAY_PING', 'DRAY_WEBHOOK']

/**
 * Variables that decide where the repository, the state and the configuration lie are those of whoever installs; of secrets only
 * the files that hold them, as everybody can read what a timer is given.
 */
function thisProgram({ variables }: Scheduling, env: NodeJS.ProcessEnv): Program {
  const kept = ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'DRAY_REPO', 'DRAY_METRICS', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'XDG_CONFIG_HOME', 'HOME'] as const
  const environment: Record<string, string> = {}
  for (const name of kept) if (env[name]) environment[name] = env[name]
  for (const name of [...secrets, ...variables].map(each => `${each}_FILE`)) if (env[name]) environment[name] = resolve(env[name])
  return { node: process.execPath, dray: realpathSync(process.argv[1] ?? fileURLToPath(import.meta.url)), environment }
}

function warnOfMissing({ name, variables }: Scheduling, { env, reporter }: CommandContext): void {
  for (const variable of [...secrets, ...variables]) {
    if (env[variable] && !env[`${variable}_FILE`]) reporter.warn(`${variable} is set in this shell and not where "${name}" will run: write it into a file, and install again with ${variable}_FILE=/path/of/the/file`)
  }
}

async function install(place: SchedulePlace, command: ScheduledCommand, files: readonly ScheduleFile[], context: CommandContext): Promise<CommandResult> {
  const { reporter, globals, env, signal } = context
  const paths = files.map(({ name }) => `${place.folder}/${name}`)
  if (globals.dryRun) return { text: paths.map(path => `would write ${path}`).join('\n'), json: { wouldWrite: paths } }
  await writeScheduleFiles(place, files)
  if (place.kind === 'systemd' && systemdRuns()) {
    await systemctl(place, ['daemon-reload'], env, signal)
    await systemctl(place, ['enable', '--now', `dray-${command.name}.timer`], env, signal)
    if (!place.isUser) await systemctl(place, ['enable', 'dray-clean.service'], env, signal)
  } else if (place.kind === 'systemd') {
    reporter.warn(`systemd does not run here: where it does, call systemctl enable --now dray-${command.name}.timer`)
  }
  if (place.kind === 'cron') reporter.note('cron does not make up for a run that was missed while the machine was off; systemd does')
  reporter.note(`"dray ${command.args.join(' ')}" runs ${sayWhen(command.when)}${command.randomDelayMs > 0 ? `, up to ${Math.round(command.randomDelayMs / 60_000)} min later` : ''}`)
  return { text: paths.join('\n'), json: { written: paths, command } }
}

async function remove(place: SchedulePlace, name: string, context: CommandContext): Promise<CommandResult> {
  const { env, signal, globals } = context
  const installed = await installedFiles(place)
  const own = place.kind === 'cron' ? [`dray-${name.replaceAll('.', '_')}`] : [`dray-${name}.timer`, `dray-${name}.service`]
  const there = installed.filter(file => own.includes(file))
  if (there.length === 0) throw new DrayError('not-found', `nothing named "${name}" is scheduled in "${place.folder}"`, { hints: [...didYouMean(name, installed.map(nameOf)), 'dray schedule lists what is'] })
  const isLast = place.kind === 'systemd' && installed.every(file => own.includes(file) || file === 'dray-clean.service')
  const going = isLast ? [...there, ...installed.filter(file => file === 'dray-clean.service')] : there
  const paths = going.map(file => `${place.folder}/${file}`)
  if (globals.dryRun) return { text: paths.map(path => `would remove ${path}`).join('\n'), json: { wouldRemove: paths } }
  const tells = place.kind === 'systemd' && systemdRuns()
  if (tells) await systemctl(place, ['disable', '--now', ...going.filter(file => file.endsWith('.timer') || file === 'dray-clean.service')], env, signal)
  await removeScheduleFiles(place, going)
  if (tells) await systemctl(place, ['daemon-reload'], env, signal)
  return { text: paths.join('\n'), json: { removed: paths } }
}

async function list(place: SchedulePlace, context: CommandContext): Promise<CommandResult> {
  const installed = [...new Set((await installedFiles(place)).filter(file => file !== 'dray-clean.service').map(nameOf))]
  const { loadConfig } = await import('../config/read-config.ts')
  const loaded = await loadConfig(context.globals.config, context.env)
  const jobs = Object.entries(loaded?.config.jobs ?? {})
  const rows = [...jobs.map(([name, { at }]) => ({ name, job: loaded?.path ?? '', at: at === undefined ? '' : sayWhen(parseWhen(at)), installed: installed.includes(name) })), ...installed.filter(name => !jobs.some(([job]) => job === name)).map(name => ({ name, job: '', at: '', installed: true }))]
  const text = renderTable([{ title: 'NAME', value: ({ name }) => name }, { title: 'SCHEDULED', value: each => (each.installed ? place.kind : '-') }, { title: 'JOB OF', value: ({ job }) => job || '-', shrink: true }, { title: 'AT', value: ({ at }) => at, optional: true }], rows, context.width)
  return { text: rows.length === 0 ? 'no jobs, and nothing is scheduled' : text, json: { scheduler: place.kind, folder: place.folder, schedules: rows } }
}

function nameOf(file: string): string {
  return file.replace(/^dray-/, '').replace(/\.(timer|service)$/, '')
}
