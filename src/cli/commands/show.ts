import { readBackup, readContainerSpec, readMount } from '../../store/backup-graph.ts'
import { readImage } from '../../store/image-store.ts'
import { childAnnotationNames } from '../../store/backup-summary.ts'
import { formatBytes, formatCount, formatDuration, formatTime } from '../../ui/format.ts'
import { renderTable } from '../../ui/table.ts'
import { parseContainerSpec, type ContainerSpec } from '../../workflows/container-spec.ts'
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
    const images = await Promise.all(contents.images.map(async image => ({ image, stored: await readImage(blobs, image) })))
    const { descriptor, ...facts } = backup
    const rows = images.map(({ image, stored }) => ({ role: image.annotations?.[childAnnotationNames.imageRole] ?? 'image', names: namesOf(image.annotations?.[childAnnotationNames.imageNames]), platform: [stored.platform.os, stored.platform.architecture].join('/'), layers: stored.layers.length, bytes: stored.layers.reduce((sum, layer) => sum + layer.descriptor.size, 0), digest: image.digest }))
    const text = [
      `backup ${backup.id} of ${formatTime(backup.created)}, host "${backup.host}"${backup.tags.length > 0 ? `, marked ${backup.tags.join(', ')}` : ''}`,
      ...(backup.lacks.length === 0 ? [] : [`not complete: it lacks ${backup.lacks.join('; ')}`]),
      ...specs.flatMap(specLines),
      '',
      rows.length === 0 ? 'no images' : renderTable([{ title: 'IMAGE', value: ({ role }) => role }, { title: 'NAMES', value: ({ names }) => names.join(', ') || '-', shrink: true }, { title: 'PLATFORM', value: ({ platform }) => platform }, { title: 'LAYERS', value: ({ layers }) => String(layers), align: 'right' }, { title: 'STORED', value: ({ bytes }) => formatBytes(bytes), align: 'right' }], rows, context.width),
      '',
      mounts.length === 0 ? 'no mounts' : renderTable([{ title: 'MOUNT', value: ({ id }) => id }, { title: 'AT', value: ({ destinations }) => destinations.map(({ path }) => path).join(', '), shrink: true }, { title: 'SOURCE', value: ({ kind, label }) => (kind === 'volume' ? label : `${kind} ${label}`), shrink: true }, { title: 'ENTRIES', value: ({ entries }) => entries.toLocaleString('en-US'), align: 'right' }, { title: 'SIZE', value: ({ dataBytes }) => formatBytes(dataBytes), align: 'right' }, { title: 'READER', value: ({ reader }) => reader }], mounts, context.width),
      ...mounts.flatMap(({ label, problems, losses }) => [...losses.map(loss => `${label}: without ${loss}`), ...problems.map(({ path, problem, detail }) => `${label}: "${path}" ${problem}: ${detail}`)]),
      ...specs.flatMap(({ leftOut }) => leftOut.map(({ destination, source, reason }) => `not captured: ${source} at ${destination}: ${reason}`)),
    ].join('\n')
    return { text, json: { ...facts, digest: descriptor.digest, containers: specs, images: rows, mounts } }
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

function namesOf(text: string | undefined): string[] {
  const value: unknown = text === undefined ? [] : JSON.parse(text)
  return Array.isArray(value) ? value.map(String) : []
}
