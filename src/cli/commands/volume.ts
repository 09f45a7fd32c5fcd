import { DrayError } from '../../errors/dray-error.ts'
import { exitCodes } from '../../errors/exit-codes.ts'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { findBackup } from '../../store/backup-list.ts'
import { temporaryJournal, type Run } from '../../workflows/run.ts'
import { tidyUp } from '../../workflows/tidy-up.ts'
import { backUpVolume, findStoredVolume, requireStoredVolume } from '../../workflows/volumes/back-up-volume.ts'
import { cloneVolume } from '../../workflows/volumes/clone-volume.ts'
import { listVolumes } from '../../workflows/volumes/list-volumes.ts'
import { removeAfterBackup } from '../../workflows/volumes/remove-volume.ts'
import { restoreVolume } from '../../workflows/volumes/restore-volume.ts'
import type { Engine } from '../../engine/engine.ts'
import { requireYes } from '../ask.ts'
import { listOf, textOf } from '../backup-options.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { lockRepository } from '../repository-lock.ts'
import { sayReport, withRun } from '../run-command.ts'

type Args = Record<string, unknown>
type Reader = 'auto' | 'host' | 'helper' | 'api'
type Job = { readonly args: Args; readonly context: CommandContext; readonly engine: Engine; readonly names: readonly string[]; readonly reader: Reader; readonly run: Run }

export const volumeCommand: Command = {
  usage: 'volume <action> [volume..]',
  summary: 'Back up, restore, clone or remove volumes on their own, without their containers',
  examples: [
    ['dray volume backup data logs', 'a backup of each; containers that write are paused for what changes meanwhile'],
    ['dray volume restore latest data --name data2', 'the newest backup that holds "data", also one of a container'],
    ['dray volume restore 20261121-0312 data --replace', 'in place; what is there is backed up first'],
    ['dray volume clone data data-test', 'a copy under another name'],
    ['dray volume rm --orphans', 'volumes that no container has: backed up, read back, then removed'],
  ],
  options: yargs => yargs
    .positional('action', { choices: ['backup', 'restore', 'clone', 'rm'] as const, demandOption: true, describe: 'what to do' })
    .positional('volume', { type: 'string', array: true, describe: 'backup, rm: volumes; restore: BACKUP [VOLUME]; clone: VOLUME NEW' })
    .option('name', { type: 'string', describe: 'restore: into a volume of this name' })
    .option('replace', { type: 'boolean', default: false, describe: 'restore: replace what is in the volume; it is backed up first' })
    .option('tag', { type: 'string', array: true, nargs: 1, default: [], describe: 'backup: a mark on the backup' })
    .option('consistency', { choices: ['pause', 'none'] as const, default: 'pause', describe: 'backup: whether containers that write to it are paused' })
    .option('orphans', { type: 'boolean', default: false, describe: 'rm: all volumes that no container has' })
    .option('no-backup', { type: 'boolean', default: false, describe: 'rm: remove without a backup' })
    .option('reader', { choices: ['auto', 'host', 'helper', 'api'] as const, default: 'auto', describe: 'how volumes are read and written' }),
  run: async (args, context) => {
    const action = textOf(args['action']) as keyof typeof actions
    const engine = await context.connect()
    return await withRun(context, async run => await tidyUp(run, engine, () => actions[action]({ args, context, engine, names: listOf(args['volume']), reader: args['reader'] as Reader, run })))
  },
}

const actions = { backup, restore, clone, rm } as const

async function backup({ args, context, engine, names, reader, run }: Job): Promise<CommandResult> {
  if (names.length === 0) throw new DrayError('usage', 'name a volume', { hints: ['dray volumes shows them'] })
  if (context.globals.dryRun) return { text: `would back up ${names.join(', ')}`, json: { volumes: names } }
  for (const name of names) await engine.volumes.inspect(name, { signal: context.signal })
  await using repository = await context.openRepository({ create: true })
  await using lock = await lockRepository(context, repository, 'shared')
  const backups = []
  for (const volume of names) {
    const made = await backUpVolume({ run, engine, repository, lock, volume, reader, consistency: args['consistency'] as 'pause' | 'none', tags: listOf(args['tag']), temporary: temporaryJournal(run, engine) })
    const { backup: { id, lacks }, report: { facts, readBytes, problems } } = made
    sayReport(context, [`volume "${volume}" in backup ${id}: ${formatCount(facts.entries, 'entry', 'entries')}, ${formatBytes(facts.dataBytes)}, of which ${formatBytes(readBytes)} were read`])
    for (const { path, problem, detail } of problems) context.reporter.warn(`volume "${volume}": "${path.toString()}" ${problem}: ${detail}`)
    backups.push({ id, volume, entries: facts.entries, dataBytes: facts.dataBytes, readBytes, lacks })
  }
  return { text: backups.map(({ id }) => id).join('\n'), json: { run: run.id, backups }, exitCode: backups.some(({ lacks }) => lacks.length > 0) ? exitCodes.incomplete : 0 }
}

async function restore({ args, context, engine, names: [wanted, volume, extra], reader, run }: Job): Promise<CommandResult> {
  if (wanted === undefined || extra !== undefined) throw new DrayError('usage', 'name a backup, and the volume where it holds several', { hints: ['dray volume restore BACKUP [VOLUME]', 'the newest: dray volume restore latest VOLUME'] })
  if (wanted === 'latest' && volume === undefined) throw new DrayError('usage', '"latest" of which volume?', { hints: ['dray volume restore latest VOLUME'] })
  await using repository = await context.openRepository({ create: false })
  await using lock = await lockRepository(context, repository, 'shared')
  const stored = wanted === 'latest' && volume !== undefined ? await findStoredVolume(repository, volume, undefined) : await requireStoredVolume(repository, await findBackup(repository, wanted), volume)
  if (stored === undefined) throw new DrayError('not-found', `no backup holds volume "${volume ?? ''}"`, { hints: ['dray list shows the backups'] })
  const name = textOf(args['name']) ?? stored.described.source
  const what = `${stored.described.source} of backup ${stored.backup.id} into volume ${name}`
  if (context.globals.dryRun) return { text: `would restore ${what}`, json: { backup: stored.backup.id, volume: stored.described.source, name } }
  const { written, replacedIn } = await restoreVolume({ run, engine, repository, lock, stored, name, replace: args['replace'] === true, reader, temporary: temporaryJournal(run, engine) })
  sayReport(context, [`restored ${what}: ${formatCount(stored.described.entries, 'entry', 'entries')}, ${formatBytes(stored.described.dataBytes)}`])
  return { text: name, json: { run: run.id, backup: stored.backup.id, volume: stored.described.source, name, problems: written.problems, losses: written.losses, ...(replacedIn === undefined ? {} : { replacedIn }) }, exitCode: written.problems.length + written.losses.length > 0 ? exitCodes.incomplete : 0 }
}

async function clone({ context, engine, names: [volume, name, extra], reader, run }: Job): Promise<CommandResult> {
  if (volume === undefined || name === undefined || extra !== undefined) throw new DrayError('usage', 'name a volume and the new one', { hints: ['dray volume clone VOLUME NEW'] })
  if (context.globals.dryRun) return { text: `would copy volume ${volume} to ${name}`, json: { volume, name } }
  const { entries, sentBytes, problems, losses, differences } = await cloneVolume({ run, engine, volume, name, reader, temporary: temporaryJournal(run, engine) })
  const notes = [...differences, ...losses, ...problems.map(({ path, problem, detail }) => `"${path.toString()}" ${problem}: ${detail}`)]
  for (const note of notes) context.reporter.warn(`volume "${name}": ${note}`)
  sayReport(context, [`volume "${name}" is a copy of "${volume}": ${formatCount(entries, 'entry', 'entries')}, ${formatBytes(sentBytes)}`])
  return { text: name, json: { run: run.id, volume, name, entries, notes }, exitCode: notes.length > 0 ? exitCodes.incomplete : 0 }
}

async function rm({ args, context, engine, names, reader, run }: Job): Promise<CommandResult> {
  const orphans = args['orphans'] === true
  if (orphans === names.length > 0) throw new DrayError('usage', 'name volumes, or say --orphans', { hints: ['dray volumes --orphans shows what that would be'] })
  const all = await listVolumes(engine, context.signal)
  const chosen = orphans ? all.filter(({ kind, users }) => kind === 'volume' && users.length === 0) : names.map(name => {
    const found = all.find(({ kind, source }) => kind === 'volume' && source === name)
    if (found === undefined) throw new DrayError('not-found', `no such volume: "${name}"`, { hints: ['dray volumes shows them'] })
    const [user] = found.users
    if (user !== undefined) throw new DrayError('conflict', `container "${user.container}" has volume "${name}"`, { hints: ['remove the container first'] })
    return found
  })
  const volumes = chosen.map(({ source }) => source)
  if (volumes.length === 0) return { text: 'no volume is without a container', json: { removed: [] } }
  const how = args['noBackup'] === true ? 'WITHOUT a backup' : 'after a backup'
  if (context.globals.dryRun) return { text: `would remove, ${how}: ${volumes.join(', ')}`, json: { removed: [], volumes } }
  await requireYes(context, `remove ${formatCount(volumes.length, 'volume')} ${how}: ${volumes.join(', ')}?`)
  const removed: { volume: string; backup?: string }[] = []
  if (args['noBackup'] === true) {
    for (const volume of volumes) {
      await engine.volumes.remove(volume, {}, { signal: context.signal })
      removed.push({ volume })
    }
  } else {
    await using repository = await context.openRepository({ create: true })
    await using lock = await lockRepository(context, repository, 'shared')
    for (const volume of volumes) {
      const { id } = await removeAfterBackup({ run, engine, repository, lock, volume, reader, temporary: temporaryJournal(run, engine) })
      sayReport(context, [`volume "${volume}" is in backup ${id}, and removed`])
      removed.push({ volume, backup: id })
    }
  }
  return { text: removed.map(({ volume }) => volume).join('\n'), json: { run: run.id, removed } }
}
