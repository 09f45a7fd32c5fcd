import { nameOf } from '../engine/spec/spec-record.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import type { CapturedAll } from './backup.ts'
import type { FreezeFacts, LeftOutMount } from './container-spec.ts'
import type { CaptureReport } from './mount-content.ts'
import { describeMount, type DescribedMount } from './mount-description.ts'
import type { CapturedImage } from './steps/capture-image.ts'
import type { FreezeWay } from './steps/freeze.ts'
import { findSurprises } from './steps/surprises.ts'
import type { OpenMount } from './steps/read-mounts.ts'

/** What a backup holds of one of its containers. */
export type BackedUpContainer = {
  readonly name: string
  readonly images: readonly CapturedImage[]
  readonly leftOut: readonly LeftOutMount[]
  /** Should have been captured and were not. */
  readonly missing: readonly LeftOutMount[]
  readonly freeze: FreezeFacts
  /** Of what its dray.dump wrote. */
  readonly dumpBytes?: number
}

/** What a backup holds, and what it does not. */
export type BackupReport = {
  readonly backup: BackupSummary
  readonly containers: readonly BackedUpContainer[]
  readonly mounts: readonly { readonly described: DescribedMount; readonly readBytes: number; readonly keptEntries: number; readonly nested: readonly string[] }[]
  /** Of all together: from the first one's rest to the last one's waking. */
  readonly freeze: FreezeFacts
  /** What holds much less than in the last backup, in words. */
  readonly surprises: readonly string[]
  /** Of the chunks that were new. */
  readonly storedBytes: number
  readonly milliseconds: number
}

export function toReport({ members, images, opened, atRest, store, backup, options, dumps, bases }: CapturedAll & { readonly backup: BackupSummary }, milliseconds: number): BackupReport {
  const containers = members.map(({ spec: { inspect }, plan: { leftOut, missing } }, at): BackedUpContainer => {
    const freeze = atRest.freezes[at]
    if (freeze === undefined) throw new RangeError(`nothing is known of the rest of "${nameOf(inspect)}"`)
    const dump = dumps.find(({ container }) => container === nameOf(inspect))
    return { name: nameOf(inspect), images: images.get(inspect.Id) ?? [], leftOut, missing, freeze, ...(dump === undefined ? {} : { dumpBytes: dump.described.dataBytes }) }
  })
  const [only, second] = containers
  const way = (['stop', 'pause', 'none'] as const satisfies FreezeWay[]).find(each => containers.some(({ freeze }) => freeze.way === each)) ?? 'still already'
  return {
    backup,
    containers,
    mounts: opened.map((each, at) => toMountReport(each, atRest.reports[at])),
    freeze: only !== undefined && second === undefined ? only.freeze : { wanted: options.consistency, way, milliseconds: atRest.milliseconds, disturbed: containers.some(({ freeze }) => freeze.disturbed) },
    surprises: findSurprises({ names: containers.map(({ name }) => name), opened, reports: atRest.reports, dumps, leftOut: containers.flatMap(({ leftOut }) => leftOut.map(({ source }) => source)) }, [...bases.values()]),
    storedBytes: store.counts.storedBytes,
    milliseconds,
  }
}

function toMountReport({ mount, reader }: OpenMount, report: CaptureReport | undefined): BackupReport['mounts'][number] {
  if (report === undefined) throw new RangeError(`mount "${mount.label}" was not read`)
  const nested = [...new Set((reader.nested ?? []).map(String))]
  return { described: describeMount(mount, reader, report), readBytes: report.readBytes, keptEntries: report.keptEntries, nested }
}
