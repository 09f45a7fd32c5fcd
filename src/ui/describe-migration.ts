import { nameOf } from '../engine/spec/spec-record.ts'
import { migratePipeline, stepsOf, type MigrateReport } from '../workflows/migrate.ts'
import type { MigrateJob, Move } from '../workflows/migration.ts'
import type { MigrationRecord } from '../workflows/run-records.ts'
import { comesWith, describePlace } from '../workflows/restore-plan.ts'
import type { CheckedMigration } from '../workflows/steps/check-migration.ts'
import { differenceText } from './describe-restore.ts'
import { formatBytes, formatCount, formatDuration } from './format.ts'

/** What was moved, how long nobody was served, what differs, and the way back. */
export function migrationText({ run, moves, images, mounts, started, comparisons, downtimeMs, sourceRemoved, milliseconds }: MigrateReport, target: string): string[] {
  return [
    `image: ${formatCount(images.sentLayers, 'layer')} sent (${formatBytes(images.sentBytes)}), ${images.presentLayers} there already`,
    ...images.notes.map(text => `  ${text}`),
    ...mounts.map(({ action: { place }, report }) => `${describePlace(place)}: ${formatCount(report.entries, 'entry', 'entries')}, ${formatBytes(report.sentBytes)} in the last pass (${report.reader} to ${report.writer})`),
    ...mounts.flatMap(({ action: { place }, report }) => [...report.problems.map(({ path, problem, detail }) => `"${path.toString()}": ${problem}: ${detail}`), ...report.losses].slice(0, 10).map(text => `  ${describePlace(place)}: ${text}`)),
    ...moves.flatMap(move => containerText(move, started.given.get(move.spec.inspect.Id)?.health, comparisons.get(move.spec.inspect.Id))),
    downtimeMs === undefined ? `moved in ${formatDuration(milliseconds)}; nothing ran` : `moved to ${target} in ${formatDuration(milliseconds)}, of which ${formatDuration(downtimeMs)} of downtime`,
    ...(sourceRemoved ? ['the source is removed'] : [`the source is kept, stopped; the way back: dray migrate --undo ${run}`]),
  ]
}

function containerText({ spec, plan, missing }: Move, health: string | undefined, comparison: MigrateReport['comparisons'] extends ReadonlyMap<string, infer One> ? One | undefined : never): string[] {
  const { differences, engineDefaults, announced } = comparison ?? { differences: [], engineDefaults: [], announced: [] }
  return [
    `container "${plan.name}": ${spec.inspect.State.Status}${health === undefined ? '' : `, ${health}`}`,
    ...plan.mounts.filter(({ action }) => action === 'keep').map(({ place, stored: { described }, because }) => `  ${because?.startsWith(comesWith) === true ? ('path' in place ? describePlace(place) : described.label) : `${describePlace(place)}, as the target has it`}: ${because ?? ''}`),
    ...missing.map(({ source, destination, reason }) => `  not moved: ${source} at ${destination}: ${reason}`),
    ...plan.request.losses.map(({ field, text }) => `  not kept: ${field}: ${text}`),
    ...plan.notes.map(text => `  ${text}`),
    ...engineDefaults.map(({ field, reason }) => `  ${field}: ${reason}`),
    ...announced.filter(({ field }) => field !== 'State.Status').map(difference => `  announced: ${differenceText(difference, 'on the source')}`),
    differences.length === 0 ? `  spec: equal in every ${engineDefaults.length + announced.length > 0 ? 'other ' : ''}field` : `  spec: ${formatCount(differences.length, 'field differs', 'fields differ')}`,
    ...differences.map(difference => `    ${differenceText(difference, 'on the source')}`),
  ]
}

/** After `--undo`: how the source is now, and what became of the copy. */
export function undoneText({ containers, source, target }: MigrationRecord, isTargetThere: boolean): string[] {
  const runs = (status: string): string => (['running', 'restarting', 'paused'].includes(status) ? `${status === 'paused' ? 'is paused' : 'runs'} again` : 'is as it was')
  return [
    ...containers.map(({ name, status }) => `container "${name}": ${runs(status)} on ${source.address}`),
    isTargetThere ? `what the migration made on ${target.address} is removed` : `what the migration made on ${target.address} is still there: dray clean removes it`,
  ]
}

/** For `--dry-run`: the steps of the pipeline, and what would be sent and made. */
export function migrationPlanText({ moves, sizes, imageBytes }: CheckedMigration, { source, target, options }: MigrateJob): string {
  const taken = stepsOf(options)
  const steps = migratePipeline.plan().filter(({ name }) => taken.includes(name))
  const networks = new Set(moves.flatMap(({ plan }) => plan.networks.map(({ Name }) => Name)))
  const seen = new Set<string>()
  const actions = moves.flatMap(({ plan }) => plan.mounts).filter(({ stored: { described } }) => !seen.has(described.source) && seen.add(described.source))
  return [
    `would move ${moves.map(({ spec, plan }) => (plan.name === nameOf(spec.inspect) ? `"${plan.name}"` : `"${nameOf(spec.inspect)}" as "${plan.name}"`)).join(', ')} from ${source.address} to ${target.address}`,
    `  image     ${imageBytes === 0 ? 'nothing to send' : `about ${formatBytes(imageBytes)} to send`}, and what the writable layer holds`,
    ...[...networks].map(name => `  makes     network "${name}"`),
    ...actions.map(({ place, action, stored: { described }, because, inside }) => inside !== undefined ? `  sends     ${describePlace(place)}: ${because ?? ''}` : `  ${verbs[action]} ${describePlace(place)}: ${sizeText(sizes.get(described.source))}${because === undefined ? '' : ` (${because})`}`),
    ...(options.precopy ? actions.flatMap(({ stored: { described } }) => largeFileText(sizes.get(described.source)?.largest)) : []),
    ...moves.flatMap(({ spec }) => spec.leftOut.filter(each => each.source !== 'tmpfs').map(({ source: place, destination, reason }) => `  skips     ${place} at ${destination}: ${reason}`)),
    ...moves.flatMap(({ plan }) => [...plan.request.losses.map(({ field, text }) => `  loses     ${field}: ${text}`), ...plan.notes.map(text => `  note      ${text}`)]),
    'steps:',
    ...steps.map(({ name }, at) => `  ${String(at + 1).padStart(2)}  ${name}`),
    `if a step fails before "${steps.at(-1)?.name ?? ''}":`,
    ...steps.flatMap(({ undo }) => undo ?? []).reverse().map(undo => `      ${undo}`),
    'nothing was changed',
  ].join('\n')
}

/** From this size on the last pass over one file is felt. */
const largeBytes = 256 * 1024 * 1024

function largeFileText(largest: { readonly path: string; readonly bytes: number } | undefined): string[] {
  if (largest === undefined || largest.bytes < largeBytes) return []
  return [`  note      "${largest.path}" has ${formatBytes(largest.bytes)}: if it changes during the`, '            copy, all of it is sent again while the source rests']
}

const verbs = { make: 'makes    ', fill: 'fills    ', replace: 'replaces ', keep: 'keeps    ' } as const

function sizeText(size: { readonly entries: number; readonly dataBytes: number } | undefined): string {
  return size === undefined ? 'as it is' : `${formatCount(size.entries, 'entry', 'entries')}, ${formatBytes(size.dataBytes)}`
}

/** For `--json`. */
export function migrationJson({ moves, ids, images, mounts, started, comparisons, downtimeMs, sourceRemoved, milliseconds }: MigrateReport): object {
  return {
    containers: moves.map(({ spec: { inspect }, plan, missing }) => ({
      name: plan.name,
      id: ids.get(inspect.Id),
      source: { name: nameOf(inspect), id: inspect.Id },
      state: started.given.get(inspect.Id),
      kept: plan.mounts.filter(({ action }) => action === 'keep').map(({ place, because }) => ({ place, because })),
      notMoved: missing,
      losses: plan.request.losses,
      notes: plan.notes,
      ...comparisons.get(inspect.Id),
    })),
    images: { sentLayers: images.sentLayers, presentLayers: images.presentLayers, sentBytes: images.sentBytes, notes: images.notes },
    mounts: mounts.map(({ action: { place, stored: { described } }, report: { problems, ...report } }) => ({ source: described.source, label: described.label, place, ...report, problems: problems.map(({ path, problem, detail }) => ({ path: path.toString(), problem, detail })) })),
    ...(downtimeMs === undefined ? {} : { downtimeMilliseconds: Math.round(downtimeMs) }),
    sourceRemoved,
    milliseconds: Math.round(milliseconds),
  }
}
