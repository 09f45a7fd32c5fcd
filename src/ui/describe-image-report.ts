import { findingMeanings, type Finding, type FindingCode, type MoreFindings } from '../integrity/finding.ts'
import type { CheckedView, ImageReport } from '../integrity/image-report.ts'
import { formatBytes, formatCount, formatTime, printable } from './format.ts'
import { renderTable } from './table.ts'

const mostShown = 20
const mostOfOneCode = 5

/** What a person wants to know of a checked file: what it is, what is in it, whether it is good, what to do. */
export function describeImageReport(subject: string, { verdict, what, views, images, backups, findings, more = {}, next }: ImageReport, width: number, options: { readonly withNotes: boolean }): string {
  const shown = findings.filter(({ severity }) => options.withNotes || severity !== 'note')
  return [
    `${printable(subject)} is ${what}`,
    ...(backups.length === 0 ? [] : ['', backupTable(backups, width)]),
    ...(images.length === 0 ? [] : ['', imageTable(images, width)]),
    ...(shown.length === 0 ? [] : ['', ...describeFindings(shown, more)]),
    ...(views.length < 2 || views.every(view => view.verdict === verdict) ? [] : ['', ...views.map(describeView)]),
    '',
    `${verdict.toUpperCase()}: ${next}`,
  ].join('\n')
}

function backupTable(backups: ImageReport['backups'], width: number): string {
  return renderTable([
    { title: 'BACKUP', value: ({ id }) => id },
    { title: 'CREATED', value: ({ created }) => formatTime(created) },
    { title: 'HOST', value: ({ host }) => host || '-', shrink: true },
    { title: 'OF', value: ({ containers }) => containers.join(', ') || 'images', shrink: true },
    { title: 'SIZE', value: ({ bytes }) => formatBytes(bytes), align: 'right' },
  ], backups, width)
}

function imageTable(images: ImageReport['images'], width: number): string {
  return renderTable([
    { title: 'IMAGE', value: image => image.names.join(', ') || image.config.slice('sha256:'.length, 'sha256:'.length + 12), shrink: true },
    { title: 'BY', value: image => image.view },
    { title: 'PLATFORM', value: image => image.platform },
    { title: 'LAYERS', value: image => String(image.layers), align: 'right' },
    { title: 'STORED', value: image => formatBytes(image.storedBytes), align: 'right' },
    { title: 'UNPACKED', value: image => formatBytes(image.plainBytes), align: 'right' },
  ], images, width)
}

/** Those of one code together: what it means is said once. */
export function describeFindings(findings: readonly Finding[], more: MoreFindings): string[] {
  const codes = [...new Set(findings.map(({ code }) => code))]
  const lines: string[] = []
  let left = mostShown
  for (const code of codes) {
    const all = findings.filter(finding => finding.code === code)
    const shown = all.slice(0, Math.max(1, Math.min(mostOfOneCode, left)))
    left -= shown.length
    lines.push(...describeCode(code, all.length, shown, more[code] ?? 0))
  }
  return lines
}

function describeCode(code: FindingCode, count: number, shown: readonly Finding[], notListed: number): string[] {
  const { severity, meaning, remedy } = findingMeanings[code]
  const [only] = shown
  const hint = severity === 'note' ? [] : [`  hint: ${remedy}`]
  if (only !== undefined && count === 1) return [`${severity} ${[code, whereOf(only)].filter(each => each !== '').join(' ')}: ${meaning}`, ...differenceOf(only, '  '), ...hint]
  return [
    `${severity} ${code}: ${meaning}`,
    ...shown.flatMap(finding => [`  ${whereOf(finding)}`, ...differenceOf(finding, '    ')]),
    ...(count > shown.length ? [`  … and ${formatCount(count + notListed - shown.length, 'more', 'more')}: --json has ${notListed > 0 ? 'the first thousand' : 'them'}`] : []),
    ...hint,
  ]
}

function whereOf({ member, views = [] }: Finding): string {
  const by = views.filter(view => view !== member).join(' and ')
  return [...(member === undefined ? [] : [`"${printable(member)}"`]), ...(by === '' ? [] : [`(by ${by})`])].join(' ')
}

function differenceOf({ expected, found }: Finding, indent: string): string[] {
  return [...(expected === undefined ? [] : [`${indent}expected: ${printable(expected)}`]), ...(found === undefined ? [] : [`${indent}found:    ${printable(found)}`])]
}

function describeView({ view, verdict, readers }: CheckedView): string {
  return `by ${view}, which ${readers} read: ${verdict}`
}
