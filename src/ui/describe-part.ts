import { nameOf } from '../engine/spec/spec-record.ts'
import type { PartReport } from '../workflows/restore-only.ts'
import { describePlace } from '../workflows/restore-plan.ts'
import { damagedLines, keptLines, lostLines, restorePlanMounts } from './describe-restore.ts'
import { formatBytes, formatCount, formatTime } from './format.ts'

/** What `restore --only data` or `--only image` has done for one container. */
export function partText({ stored, plan, images, written, setAside }: PartReport): string[] {
  const container = nameOf(stored.spec.inspect)
  return [
    `${images === undefined ? 'data' : 'image'} of container "${container}" from backup ${stored.backup.id} of ${formatTime(stored.backup.created)}`,
    ...(images === undefined ? [] : [`  ${formatCount(images.sentLayers, 'layer')} sent (${formatBytes(images.sentBytes)}), ${images.presentLayers} there already`, ...images.notes.map(note => `  ${note}`)]),
    ...keptLines(plan?.mounts ?? []),
    ...written.map(({ place, reader }) => `  ${describePlace(place)}: ${reader === 'api' ? 'written' : 'written and compared'} (${reader})`),
    ...lostLines(images === undefined ? stored : { lost: [] }, images?.lost ?? [], written),
    ...written.flatMap(({ place, problems, losses }) => [...problems, ...losses].slice(0, 20).map(text => `  ${describePlace(place)}: ${text}`)),
    ...(plan?.notes ?? []).map(note => `  ${note}`),
    ...(setAside === undefined ? [] : setAside.backups.map(id => `  what was replaced is in backup ${id}: dray volume restore ${id} VOLUME --replace brings a volume back, dray extract anything`)),
  ]
}

export function partPlanText({ stored, plan }: Pick<PartReport, 'stored' | 'plan'>, target: string): string[] {
  const { backup, spec } = stored
  const names = spec.images.filter(({ role }) => role === 'original').flatMap(each => each.names)
  return [
    `would restore the ${plan === undefined ? 'image' : 'data'} of container "${nameOf(spec.inspect)}" from backup ${backup.id} of ${formatTime(backup.created)} to ${target}`,
    ...(plan === undefined ? names.map(name => `  image     ${name}`) : restorePlanMounts(plan.mounts)),
    ...damagedLines(stored),
    ...(plan?.notes ?? []).map(note => `  note      ${note}`),
  ]
}
