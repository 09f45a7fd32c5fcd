import type { CheckedBackup, RepositoryReport } from '../integrity/check-repository.ts'
import type { Loss } from '../integrity/find-losses.ts'
import { adviceFor } from './advise-on-damage.ts'
import { describeFindings } from './describe-image-report.ts'
import { formatBytes, formatCount, formatDuration, formatTime, printable } from './format.ts'

const mostPaths = 10
const mostBackups = 20

/** What a person wants to know of a checked repository: what was looked at, what is whole, what exactly is lost, what to do. */
export function describeRepositoryReport(subject: string, report: RepositoryReport, options: { readonly withNotes: boolean }): string {
  const { backups, findings, more = {} } = report
  const hurt = backups.filter(({ whole }) => !whole)
  const shown = findings.filter(({ severity }) => options.withNotes || severity !== 'note')
  return [
    `${printable(subject)}: ${formatCount(backups.length, 'backup')}, ${formatCount(report.blobs, 'blob')}, ${formatBytes(report.bytes)}`,
    `checked ${whatWasChecked(report)}`,
    ...(shown.length === 0 ? [] : ['', ...describeFindings(shown, more)]),
    ...hurt.slice(0, mostBackups).flatMap(backup => ['', ...describeHurt(backup)]),
    ...(hurt.length > mostBackups ? [`… and ${formatCount(hurt.length - mostBackups, 'more backup')}: --json has them all`] : []),
    '',
    ...verdictLines(report, hurt),
  ].join('\n')
}

function whatWasChecked({ level, share, blobs, readBlobs, readBytes, milliseconds }: RepositoryReport): string {
  const how = {
    quick: 'that everything is there with its size; the contents only of indexes, manifests and configs',
    full: share < 1 ? `that everything is there, and the hashes of a random ${formatShare(share)} of the chunks and layers` : 'every hash and every size',
    deep: share < 1 ? `that everything is there, and unpacked a random ${formatShare(share)} of the data and layers` : 'everything: unpacked, and compared with the tables of contents',
  }[level]
  const read = readBlobs === blobs ? formatBytes(readBytes) : `${readBlobs.toLocaleString('en-US')} of ${formatCount(blobs, 'blob')}, ${formatBytes(readBytes)}`
  return `${how} (read: ${read}, in ${formatDuration(milliseconds)})`
}

function formatShare(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`
}

function describeHurt({ id, created, containers, losses }: CheckedBackup): string[] {
  return [`backup ${id}${containers.length === 0 ? '' : ` of ${containers.map(printable).join(', ')}`}, ${formatTime(created)}, is hurt. Lost:`, ...losses.flatMap(describeLoss), ...(losses.length === 0 ? ['  what the findings name'] : [])]
}

/** One line for what is lost, and one for each of the first paths. */
export function describeLoss({ what, name, lost, paths = [], pathCount = 0 }: Loss): string[] {
  const title = what === 'backup' ? '' : `${what} ${printable(name)}: `
  const more = pathCount - Math.min(paths.length, mostPaths)
  return [
    `  ${title}${printable(lost)}${pathCount === 0 ? '' : ` (${pathCount.toLocaleString('en-US')})`}`,
    ...paths.slice(0, mostPaths).map(path => `    ${printable(path)}`),
    ...(more > 0 ? [`    … and ${more.toLocaleString('en-US')} more: --json has ${pathCount > paths.length ? 'a thousand of them' : 'them all'}`] : []),
  ]
}

function verdictLines(report: RepositoryReport, hurt: readonly CheckedBackup[]): string[] {
  const { verdict, level, share, backups, movedAside, notMoved } = report
  const whole = backups.length - hurt.length
  const moved = movedAside.length === 0 ? [] : [`${formatCount(movedAside.length, 'bad blob was', 'bad blobs were')} moved aside (drayage/quarantine): the next backup stores again what is still the same`]
  const not = notMoved === undefined ? [] : [`bad blobs stay where they are: ${notMoved}`]
  if (verdict === 'valid') return [`VALID: ${backups.length === 0 ? 'there are no backups' : backups.length === 1 ? 'the backup is whole' : `all ${backups.length.toLocaleString('en-US')} backups are whole`}${level === 'quick' || share < 1 ? ', as far as was looked' : ''}`]
  return [...moved, ...not, `DAMAGED: ${formatCount(whole, 'backup is', 'backups are')} whole, ${formatCount(hurt.length, 'is', 'are')} hurt`, ...adviceFor(report, hurt)]
}
