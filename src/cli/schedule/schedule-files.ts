/** The files that make systemd or cron run dray. Each begins with a mark, and only files with that mark are ever replaced or removed. */
import { toCalendar, toCron, type When } from './when.ts'

export const mark = '# made by dray schedule'

export type ScheduledCommand = {
  /** Of the job, or given with --name: part of the files' names. */
  readonly name: string
  /** What dray is called with. */
  readonly args: readonly string[]
  readonly when: When
  readonly randomDelayMs: number
}

/** How this dray is called, with absolute paths: a timer has another PATH. */
export type Program = { readonly node: string; readonly dray: string; readonly environment: Readonly<Record<string, string>> }

export type ScheduleFile = { readonly name: string; readonly text: string }

/**
 * A service and its timer. A run that was missed, the machine being off, is made up for. /usr and /etc are read-only to it; more
 * hardening would hide the binds that it reads, or keep it from giving back owners and modes when it puts a killed run right.
 */
export function systemdFiles({ name, args, when, randomDelayMs }: ScheduledCommand, program: Program): ScheduleFile[] {
  return [
    { name: `dray-${name}.service`, text: service(`dray ${args.join(' ')}`, args, program) },
    { name: `dray-${name}.timer`, text: [
      `${mark}; it goes with: dray schedule remove ${name}`,
      '[Unit]',
      `Description=when to run dray ${args.join(' ').replaceAll('%', '%%')}`,
      '',
      '[Timer]',
      `OnCalendar=${toCalendar(when)}`,
      ...(randomDelayMs > 0 ? [`RandomizedDelaySec=${Math.round(randomDelayMs / 1000)}`] : []),
      'Persistent=true',
      '',
      '[Install]',
      'WantedBy=timers.target',
      '',
    ].join('\n') },
  ]
}

/** At boot, what a run left that died with the machine is put right: containers start and go on that it had stopped or paused. */
export function bootService(program: Program): ScheduleFile {
  return { name: 'dray-clean.service', text: `${service('puts right what a killed run of dray left', ['clean', '-q'], program)}\n[Install]\nWantedBy=multi-user.target\n` }
}

function service(description: string, args: readonly string[], program: Program): string {
  return [
    `${mark}; it goes with: dray schedule remove`,
    '[Unit]',
    `Description=${description.replaceAll('%', '%%')}`,
    'Wants=network-online.target',
    'After=docker.service network-online.target',
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${[program.node, program.dray, ...args].map(quoteForSystemd).join(' ')}`,
    ...Object.entries(program.environment).map(([key, value]) => `Environment=${quoteForSystemd(`${key}=${value}`)}`),
    'TimeoutStartSec=infinity',
    'TimeoutStopSec=15min',
    'KillMode=mixed',
    'Nice=10',
    'IOSchedulingClass=best-effort',
    'IOSchedulingPriority=7',
    'NoNewPrivileges=yes',
    'ProtectSystem=full',
    'ProtectKernelTunables=yes',
    'ProtectKernelModules=yes',
    'ProtectClock=yes',
    'ProtectHostname=yes',
    'LockPersonality=yes',
    'RestrictRealtime=yes',
    '',
  ].join('\n')
}

/** A file for /etc/cron.d: the command, and `dray clean` at boot. A run that was missed is not made up for. */
export function cronFile({ name, args, when, randomDelayMs }: ScheduledCommand, program: Program): ScheduleFile {
  const call = (words: readonly string[]): string => [program.node, program.dray, ...words].map(quoteForCron).join(' ')
  const delay = randomDelayMs > 0 ? `sleep $(shuf -n 1 -i 0-${Math.round(randomDelayMs / 1000)}); ` : ''
  return { name: `dray-${name.replaceAll('.', '_')}`, text: [
    `${mark}; it goes with: dray schedule remove ${name}`,
    'SHELL=/bin/sh',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...Object.entries(program.environment).map(([key, value]) => `${key}=${value}`),
    `${toCron(when)} root ${delay}${call(args)}`,
    `@reboot root ${call(['clean', '-q'])}`,
    '',
  ].join('\n') }
}

/** systemd.service(5), command lines: double quotes, and `%` and `$` are special. */
function quoteForSystemd(word: string): string {
  const escaped = word.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped}"`
}

/** crontab(5): `%` ends the line for cron, even in quotes. */
function quoteForCron(word: string): string {
  const quoted = /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
  return quoted.replaceAll('%', '\\%')
}
