import type { BackupReport } from '../workflows/backup.ts'
import type { ImagesReport } from '../workflows/backup-images.ts'
import type { CapturedImage } from '../workflows/steps/capture-image.ts'
import { formatBytes, formatCount, formatDuration } from './format.ts'

/** What a backup holds, in a few lines: what was captured, what not, for how long the container rested. */
export function backupText(report: BackupReport): string[] {
  const { container, backup, images, mounts, freeze, storedBytes, milliseconds, leftOut, missing } = report
  const problems = mounts.flatMap(({ described }) => described.problems.map(({ path, problem, detail }) => `${described.label}: "${path}" ${problem}: ${detail}`))
  return [
    `container "${container}": spec${images.length === 0 ? ', no image' : ''}`,
    ...images.map(image => `  ${imageLine(image)}`),
    ...mounts.map(mount => `  ${mountLine(mount)}`),
    ...mounts.flatMap(({ described, nested }) => nested.map(path => `  not captured: "${path}" is mounted inside ${described.label}`)),
    ...mounts.flatMap(({ described }) => described.losses.map(loss => `  ${described.label}: the ${described.reader} reader cannot keep ${loss}`)),
    ...problems.slice(0, 20).map(line => `  ${line}`),
    ...(problems.length > 20 ? [`  … and ${problems.length - 20} more: dray show ${backup.id}`] : []),
    ...(leftOut.length + missing.length > 0 ? [`  not captured: ${[...leftOut, ...missing].map(({ destination }) => destination).join(', ')}`] : []),
    `  ${restLine(freeze)}`,
    `backup ${backup.id}: ${formatBytes(storedBytes)} of data new in the repository, ${formatDuration(milliseconds)} in all`,
  ]
}

export function imagesText({ backup, images }: ImagesReport): string[] {
  return [...images.map(imageLine), `backup ${backup.id}: ${formatCount(images.length, 'image')}`]
}

/** For `--json`. */
export function backupJson(report: BackupReport): object {
  const { backup, container, images, mounts, leftOut, missing, freeze, storedBytes, milliseconds } = report
  return {
    id: backup.id,
    container,
    images: images.map(({ facts, report: { how, layers, newLayers, readBytes, because } }) => ({ ...facts, how, layers, newLayers, readBytes, ...(because === undefined ? {} : { because }) })),
    mounts: mounts.map(({ described, readBytes, keptEntries, nested }) => ({ ...described, readBytes, keptEntries, nested })),
    leftOut,
    missing,
    freeze: { ...freeze, milliseconds: Math.round(freeze.milliseconds) },
    storedBytes,
    milliseconds: Math.round(milliseconds),
  }
}

const roles = { original: 'image', commit: 'writable layer', changed: 'changed image', flattened: 'root file system as one layer' } as const

function imageLine({ facts, report }: CapturedImage): string {
  const name = facts.names[0] ?? facts.id.slice(0, 19)
  const title = (facts.role === 'commit' || facts.role === 'changed') && facts.names.length === 0 ? roles[facts.role] : `${roles[facts.role]} ${name}`
  if (report.how === 'stored before') return `${title}: stored before`
  return `${title}: ${formatCount(report.layers, 'layer')}, ${report.newLayers} new${report.because === undefined ? '' : ` (${report.because})`}`
}

function mountLine({ described, readBytes, keptEntries }: BackupReport['mounts'][number]): string {
  const { label, kind, destinations, entries, dataBytes, reader } = described
  const what = kind === 'volume' ? (described.anonymous ? label : `volume ${label}`) : `${kind} ${label}`
  const unchanged = keptEntries === 0 ? 'all read' : keptEntries >= entries ? 'all unchanged' : `${formatCount(keptEntries, 'entry', 'entries')} unchanged, ${formatBytes(readBytes)} read`
  const where = described.anonymous ? '' : ` at ${destinations.map(({ path }) => path).join(', ')}`
  return `${what}${where}: ${formatCount(entries, 'entry', 'entries')}, ${formatBytes(dataBytes)} (${reader} reader; last pass: ${unchanged})`
}

function restLine({ way, wanted, milliseconds }: BackupReport['freeze']): string {
  if (way === 'pause') return `paused for ${formatDuration(milliseconds)}`
  if (way === 'stop') return `stopped for ${formatDuration(milliseconds)}`
  return way === 'still already' ? 'it did not run, or was paused, already' : `neither paused nor stopped (--consistency ${wanted}): its data may not be of one moment`
}
