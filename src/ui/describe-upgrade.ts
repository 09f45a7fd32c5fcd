import { nameOf } from '../engine/spec/spec-record.ts'
import type { UpgradePlan, UpgradeReport } from '../workflows/upgrade.ts'
import { formatDuration } from './format.ts'

/** What differs between the images, and what that means. */
function planLines({ record, image, differences, warnings }: UpgradePlan, reference: string): string[] {
  return [
    `  from      ${record.inspect.Config.Image} (${record.inspect.Image.slice(7, 19)})`,
    `  to        ${reference} (${image.Id.slice(7, 19)})`,
    ...differences.map(({ what, before, after }) => `  ${what.padEnd(9)} ${JSON.stringify(before)} in the old image, ${JSON.stringify(after)} in the new one`),
    ...warnings.map(text => `  note      ${text}`),
  ]
}

export function upgradePlanText(plan: UpgradePlan, reference: string): string {
  const { Mounts } = plan.record.inspect
  return [`would upgrade container "${nameOf(plan.record.inspect)}"`, ...planLines(plan, reference), ...Mounts.map(({ Type, Name, Source, Destination }) => `  keeps     ${Type} ${Name ?? Source} at ${Destination}`), 'nothing was changed'].join('\n')
}

export function upgradeText({ state, kept, backups, milliseconds, ...plan }: UpgradeReport, reference: string, run: string): string[] {
  return [
    `container "${nameOf(plan.record.inspect)}" has a new image`,
    ...planLines(plan, reference),
    `  state     ${state.status}${state.health === undefined ? '' : `, ${state.health}`}${state.because === undefined ? '' : ` (${state.because})`}`,
    `  kept      the old one as "${kept}", stopped, and in backup ${backups.join(', ')}`,
    `upgraded in ${formatDuration(milliseconds)}; to take this back: dray undo ${run}`,
  ]
}

/** For `--json`. */
export function upgradeJson({ record, image, differences, warnings }: UpgradePlan): object {
  return { name: nameOf(record.inspect), from: { image: record.inspect.Config.Image, id: record.inspect.Image }, to: { id: image.Id }, differences, warnings }
}
