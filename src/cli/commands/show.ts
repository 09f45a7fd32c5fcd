import { readBackup, readContainerSpec, readMount } from '../../store/backup-graph.ts'
import { imageTable, mountTable } from '../../ui/describe-contents.ts'
import { formatCount, formatDuration, formatTime } from '../../ui/format.ts'
import { parseContainerSpec, type ContainerSpec } from '../../workflows/container-spec.ts'
import { readImageFacts } from '../../workflows/look/read-images.ts'
import { fromMountDescription, type DescribedMount } from '../../workflows/mount-description.ts'
import { chooseBackup } from '../../workflows/steps/choose-backup.ts'
import { textOf } from '../backup-options.ts'
import type { Command } from '../command.ts'

export const showCommand: Command = {
  usage: 'show <backup> [container]',
  summary: 'Show what a backup holds, and what it does not',
  examples: [
    ['dray show latest web', 'the newest backup of "web"'],
    ['dray show 20261121-0312', 'a backup by the beginning of its id'],
    ['dray show latest --json', 'with the whole spec, passwords included'],
  ],
  options: yargs => yargs.positional('backup', { type: 'string', demandOption: true, describe: 'id, the beginning of one, or "latest"' }).positional('container', { type: 'string', describe: 'for "latest": of this container' }),
  run: async (args, context) => {
    await using repository = await context.openRepository({ create: false })
    const { blobs } = repository
    const backup = await chooseBackup(repository, textOf(args['backup']) ?? '', textOf(args['container']), text => context.reporter.warn(text))
    const contents = await readBackup(blobs, backup.descriptor)
    const specs: ContainerSpec[] = []
    for (const container of contents.containers) specs.push(parseContainerSpec(await readContainerSpec(blobs, container), backup.id))
    const mounts: DescribedMount[] = []
    for (const mount of contents.mounts) mounts.push(fromMountDescription((await readMount(blobs, mount)).description))
    const images = await readImageFacts(blobs, contents.images)
    const { descriptor, ...facts } = backup
    const text = [
      `backup ${backup.id} of ${formatTime(backup.created)}, host "${backup.host}"${backup.tags.length > 0 ? `, marked ${backup.tags.join(', ')}` : ''}`,
      ...(backup.lacks.length === 0 ? [] : [`not complete: it lacks ${backup.lacks.join('; ')}`]),
      ...specs.flatMap(specLines),
      '',
      imageTable(images, context.width),
      '',
      mountTable(mounts, context.width),
      ...mounts.flatMap(({ label, problems, losses }) => [...losses.map(loss => `${label}: without ${loss}`), ...problems.map(({ path, problem, detail }) => `${label}: "${path}" ${problem}: ${detail}`)]),
      ...specs.flatMap(({ leftOut }) => leftOut.map(({ destination, source, reason }) => `not captured: ${source} at ${destination}: ${reason}`)),
    ].join('\n')
    return { text, json: { ...facts, digest: descriptor.digest, containers: specs, images, mounts } }
  },
}

function specLines({ inspect, engine, freeze }: ContainerSpec): string[] {
  const networks = Object.keys(inspect.NetworkSettings.Networks)
  const rest = freeze.way === 'pause' ? `paused for ${formatDuration(freeze.milliseconds)}` : freeze.way === 'stop' ? `stopped for ${formatDuration(freeze.milliseconds)}` : freeze.way === 'none' ? 'not at rest' : 'at rest already'
  return [
    `container ${inspect.Name.slice(1)}: ${inspect.State.Status}, image ${inspect.Config.Image}, ${rest}`,
    `  engine ${engine.serverVersion} (${engine.driver}); networks ${networks.join(', ') || 'none'}; restart ${inspect.HostConfig.RestartPolicy.Name || 'no'}; ${formatCount(inspect.Config.Env?.length ?? 0, 'environment variable')}`,
  ]
}
