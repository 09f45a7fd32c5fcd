import { DrayError } from '../../errors/dray-error.ts'
import { volumesTable } from '../../ui/describe-volumes.ts'
import { temporaryJournal } from '../../workflows/run.ts'
import { tidyUp } from '../../workflows/tidy-up.ts'
import { addLastBackups, addSizes, listVolumes, type ListedVolume } from '../../workflows/volumes/list-volumes.ts'
import type { Command, CommandContext } from '../command.ts'
import { withRun } from '../run-command.ts'

export const volumesCommand: Command = {
  usage: 'volumes',
  summary: 'List every volume and bind mount of the engine, with its containers and its last backup',
  examples: [
    ['dray volumes', 'all volumes and bind mounts of the default engine'],
    ['dray volumes --orphans', 'volumes that no container has, running or not'],
    ['dray volumes --size -H ssh://root@shop1', 'with the number of entries and their size, on another host'],
  ],
  options: yargs => yargs
    .option('orphans', { type: 'boolean', default: false, describe: 'only volumes that no container has' })
    .option('size', { type: 'boolean', default: false, describe: 'list what lies in each volume, and add it up' }),
  run: async (args, context) => {
    const engine = await context.connect()
    const all = await listVolumes(engine, context.signal)
    const chosen = args['orphans'] === true ? all.filter(({ kind, users }) => kind === 'volume' && users.length === 0) : all
    const known = await withLastBackups(context, engine, chosen)
    const volumes = args['size'] !== true ? known : (await withSizes(context, engine, known))
    const text = volumes.length === 0 ? (args['orphans'] === true ? 'no volume is without a container' : 'no volumes and no bind mounts') : volumesTable(volumes, context.width)
    return { text, json: { engine: engine.address, volumes } }
  },
}

/** Without a repository there are no backups. */
async function withLastBackups(context: CommandContext, engine: Parameters<typeof addLastBackups>[1], volumes: readonly ListedVolume[]): Promise<readonly ListedVolume[]> {
  try {
    await using repository = await context.openRepository({ create: false })
    return await addLastBackups(repository, engine, volumes)
  } catch (thrown) {
    if (!(thrown instanceof DrayError) || (thrown.code !== 'not-found' && thrown.code !== 'damaged')) throw thrown
    if (thrown.code === 'damaged') context.reporter.warn(`the last backups are not known: ${thrown.message}`)
    return volumes
  }
}

async function withSizes(context: CommandContext, engine: Parameters<typeof addLastBackups>[1], volumes: readonly ListedVolume[]): Promise<readonly ListedVolume[]> {
  let sized = volumes
  await withRun(context, async run => {
    sized = await tidyUp(run, engine, () => addSizes({ run, engine, temporary: temporaryJournal(run, engine) }, volumes))
    return { text: '', json: {} }
  }, { changesNothing: true })
  return sized
}
