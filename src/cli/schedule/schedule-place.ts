import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DrayError } from '../../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../../errors/system-error.ts'
import { writeFileAtomically } from '../../files/atomic-file.ts'
import { makeFolder } from '../../files/make-folder.ts'
import { runHostCommand } from '../host-command.ts'
import { mark, type ScheduleFile } from './schedule-files.ts'

export type SchedulerKind = 'systemd' | 'cron'

export type SchedulePlace = { readonly kind: SchedulerKind; readonly folder: string; readonly isUser: boolean }

/** systemd where it runs, else cron where it is installed. */
export function choosePlace(wanted: SchedulerKind | undefined, isUser: boolean, env: NodeJS.ProcessEnv): SchedulePlace {
  const kind = wanted ?? (existsSync('/run/systemd/system') || isUser ? 'systemd' : existsSync('/etc/cron.d') ? 'cron' : undefined)
  if (kind === undefined) throw new DrayError('not-found', 'neither systemd nor cron is on this machine', { hints: ['dray schedule show --systemd, or --cron, prints the files to put where they are wanted'] })
  if (kind === 'cron' && isUser) throw new DrayError('usage', '--user is for systemd', { hints: ['put the line that "dray schedule show --cron" prints into your own crontab: crontab -e'] })
  return { kind, isUser, folder: kind === 'cron' ? '/etc/cron.d' : isUser ? join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'systemd/user') : '/etc/systemd/system' }
}

/** Names of our files there. */
export async function installedFiles({ folder }: SchedulePlace): Promise<string[]> {
  try {
    const names = (await readdir(folder)).filter(name => name.startsWith('dray-')).sort()
    const ours = await Promise.all(names.map(async name => (await readFile(join(folder, name), 'utf8')).startsWith(mark)))
    return names.filter((_name, at) => ours[at])
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return []
    throw fromSystemError(thrown, 'cannot read', folder)
  }
}

/** Throws `conflict`, before anything is written, for a file there that is not ours. */
export async function writeScheduleFiles({ folder }: SchedulePlace, files: readonly ScheduleFile[]): Promise<void> {
  for (const { name } of files) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => undefined)
    if (text !== undefined && !text.startsWith(mark)) throw new DrayError('conflict', `"${join(folder, name)}" is there and was not made by dray`, { hints: ['move it away, or choose another name'] })
  }
  await makeFolder(folder)
  for (const { name, text } of files) await writeFileAtomically(join(folder, name), text, { mode: 0o644 })
}

export async function removeScheduleFiles({ folder }: SchedulePlace, names: readonly string[]): Promise<void> {
  for (const name of names) {
    try {
      await rm(join(folder, name))
    } catch (thrown) {
      throw fromSystemError(thrown, 'cannot remove', join(folder, name))
    }
  }
}

/** Whether systemd runs here and can be told: it does not in a container or a chroot, and the files are for later then. */
export function systemdRuns(): boolean {
  return existsSync('/run/systemd/system')
}

export async function systemctl({ isUser }: SchedulePlace, words: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  await runHostCommand(`systemctl ${isUser ? '--user ' : ''}${words.join(' ')}`, { env, timeoutMs: 60_000, signal })
}
