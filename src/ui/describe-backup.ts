import type { BackedUpContainer, BackupReport } from '../workflows/backup-report.ts'
import type { ImagesReport } from '../workflows/backup-images.ts'
import type { CapturedImage } from '../workflows/steps/capture-image.ts'
import { formatBytes, formatCount, formatDuration } from './format.ts'

/** What a backup holds, in a few lines: what was captured, what not, for how long the containers rested. */
export function backupText(report: BackupReport): string[] {
  const { containers, backup, mounts, freeze, storedBytes, milliseconds } = report
  const problems = mounts.flatMap(({ described }) => described.problems.map(({ path, problem, detail }) => `${described.label}: "${path}" ${problem}: ${detail}`))
  const notCaptured = containers.flatMap(({ leftOut, missing }) => [...leftOut, ...missing].map(({ destination }) => destination))
  return [
    ...containers.flatMap(container => containerLines(container, containers.length > 1)),
    ...mounts.map(mount => `  ${mountLine(mount)}`),
    ...mounts.flatMap(({ described, nested }) => nested.map(path => `  not captured: "${path}" is mounted inside ${described.label}`)),
    ...mounts.flatMap(({ described }) => described.losses.map(loss => `  ${described.label}: the ${described.reader} reader cannot keep ${loss}`)),
    ...problems.slice(0, 20).map(line => `  ${line}`),
    ...(problems.length > 20 ? [`  … and ${problems.length - 20} more: dray show ${backup.id}`] : []),
    ...(notCaptured.length > 0 ? [`  not captured: ${[...new Set(notCaptured)].join(', ')}`] : []),
    `  ${containers.length > 1 ? `all together: ${restLine(freeze)}` : restLine(freeze)}`,
    `backup ${backup.id}: ${formatBytes(storedBytes)} of data new in the repository, ${formatDuration(milliseconds)} in all`,
  ]
}

function containerLines({ name, images, freeze, dumpBytes }: BackedUpContainer, isOneOfSeveral: boolean): string[] {
  return [
    `container "${name}": spec${images.length === 0 ? ', no image' : ''}`,
    ...images.map(image => `  ${imageLine(image)}`),
    ...(dumpBytes === undefined ? [] : [`  dump ${name}.dump: ${formatBytes(dumpBytes)}`]),
    ...(isOneOfSeveral ? [`  ${restLine(freeze)}`] : []),
  ]
}

export function imagesText({ backup, images }: ImagesReport): string[] {
  return [...images.map(imageLine), `backup ${backup.id}: ${formatCount(images.length, 'image')}`]
}

/** For `--json`: `container` where there is one, `containers` in any case. */
export function backupJson(report: BackupReport): object {
  const { backup, containers, mounts, freeze, storedBytes, milliseconds } = report
  const [only, second] = containers
  return {
    id: backup.id,
    ...(only !== undefined && second === undefined ? { container: only.name } : {}),
    containers: containers.map(each => ({ name: each.name, images: each.images.map(({ facts }) => facts.digest), leftOut: each.leftOut, missing: each.missing, freeze: freezeJson(each.freeze), ...(each.dumpBytes === undefined ? {} : { dumpBytes: each.dumpBytes }) })),
    ...(backup.project === undefined ? {} : { project: backup.project }),
    images: containers.flatMap(each => each.images).map(({ facts, report: { how, layers, newLayers, readBytes, because } }) => ({ ...facts, how, layers, newLayers, readBytes, ...(because === undefined ? {} : { because }) })),
    mounts: mounts.map(({ described, readBytes, keptEntries, nested }) => ({ ...described, readBytes, keptEntries, nested })),
    leftOut: containers.flatMap(each => each.leftOut),
    missing: containers.flatMap(each => each.missing),
    freeze: freezeJson(freeze),
    surprises: report.surprises,
    storedBytes,
    milliseconds: Math.round(milliseconds),
  }
}

function freezeJson(freeze: BackupReport['freeze']): object {
  return { ...freeze, milliseconds: Math.round(freeze.milliseconds) }
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
