import type { ImageReport } from '../integrity/check-image-file.ts'
import { findingMeanings, type Finding } from '../integrity/finding.ts'
import { formatBytes, formatCount, printable } from './format.ts'
import { renderTable } from './table.ts'

const mostShown = 20

/** What a person wants to know of a checked file: what it is, what is in it, whether it is good, what to do. */
export function describeImageReport(subject: string, { verdict, what, images, findings, next }: ImageReport, width: number, options: { readonly withNotes: boolean }): string {
  const shown = findings.filter(({ severity }) => options.withNotes || severity !== 'note')
  const left = shown.length - mostShown
  return [
    `${printable(subject)} is ${what}`,
    ...(images.length === 0 ? [] : ['', imageTable(images, width)]),
    ...(shown.length === 0 ? [] : ['', ...shown.slice(0, mostShown).flatMap(describeFinding)]),
    ...(left > 0 ? [`… and ${formatCount(left, 'more finding')}: --json has them all`] : []),
    '',
    `${verdict.toUpperCase()}: ${next}`,
  ].join('\n')
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

export function describeFinding({ code, severity, member, view, expected, found }: Finding): string[] {
  const { meaning, remedy } = findingMeanings[code]
  const where = [member === undefined ? undefined : `"${printable(member)}"`, view === undefined || view === member ? undefined : `(by ${view})`].filter(each => each !== undefined).join(' ')
  return [
    `${severity} ${code}${where === '' ? '' : ` ${where}`}: ${meaning}`,
    ...(expected === undefined ? [] : [`  expected: ${printable(expected)}`]),
    ...(found === undefined ? [] : [`  found:    ${printable(found)}`]),
    ...(severity === 'note' ? [] : [`  hint: ${remedy}`]),
  ]
}
