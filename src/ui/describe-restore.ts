import { comesWith, describePlace, type RestorePlan, type StoredContainer } from '../workflows/restore-plan.ts'
import type { RestoreReport } from '../workflows/restore.ts'
import { describeLoss } from './describe-repository-report.ts'
import { formatBytes, formatCount, formatDuration, formatTime } from './format.ts'

const mostLost = 50

/** What was restored, in a few lines, and what differs from the backup. */
export function restoreText({ stored, plan, images, written, state, comparison, isMapped, setAside, undo, hasReplayed, milliseconds }: RestoreReport): string[] {
  const { differences, engineDefaults, announced } = comparison
  return [
    `container "${plan.name}" from backup ${stored.backup.id} of ${formatTime(stored.backup.created)}`,
    `  image: ${formatCount(images.sentLayers, 'layer')} sent (${formatBytes(images.sentBytes)}), ${images.presentLayers} there already`,
    ...images.notes.map(note => `  ${note}`),
    ...keptLines(plan.mounts),
    ...written.map(({ place, reader, problems }) => `  ${describePlace(place)}: ${reader === 'api' ? 'written' : 'written and compared'} (${reader})${problems.length === 0 ? '' : `: ${problems.length} problems`}`),
    ...lostLines(stored, images.lost, written),
    ...notHeld(stored),
    ...written.flatMap(({ place, problems, losses }) => [...problems.slice(0, 10), ...losses].map(text => `  ${describePlace(place)}: ${text}`)),
    ...plan.notes.map(note => `  ${note}`),
    ...plan.request.losses.map(({ field, text }) => `  not restored: ${field}: ${text}`),
    `  state: ${state.status}${state.health === undefined ? '' : `, ${state.health}`}${state.because === undefined ? '' : ` (${state.because})`}`,
    ...engineDefaults.map(({ field, reason }) => `  ${field}: ${reason}`),
    ...announced.filter(({ field }) => field !== 'State.Status').map(difference => `  announced: ${differenceText(difference)}`),
    differences.length === 0 ? `  spec: equal to the recorded one in every ${engineDefaults.length + announced.length > 0 ? 'other ' : ''}field${isMapped ? ', but for what was mapped' : ''}` : `  spec: ${formatCount(differences.length, 'field differs', 'fields differ')}`,
    ...differences.map(difference => `    ${differenceText(difference)}`),
    ...dumpLines(stored, plan.name, hasReplayed),
    ...(setAside === undefined ? [] : [`  what was replaced is in backup ${setAside.backups.join(', ')}${undo === undefined || setAside.containers.length === 0 ? '' : `, and kept as container ${setAside.containers.map(({ name }) => `"${name}"`).join(', ')}`}`]),
    ...(undo === undefined ? [] : [`  to take this back: dray undo ${undo}`]),
    `restored in ${formatDuration(milliseconds)}`,
  ]
}

/** What was not written for its own sake. */
export function keptLines(mounts: RestorePlan['mounts']): string[] {
  return mounts.filter(({ action }) => action === 'keep').map(({ place, because = '' }) => `  ${describePlace(place)}: ${because.startsWith(comesWith) ? '' : 'kept as it is, '}${because}`)
}

/** What --skip-damaged would leave out. */
export function damagedLines({ losses = [] }: Pick<StoredContainer, 'losses'>): string[] {
  return losses.flatMap(describeLoss).map((line, at) => `  ${at === 0 ? 'damaged ' : '        '}${line}`)
}

/** What --skip-damaged left out. */
export function lostLines({ lost }: Pick<StoredContainer, 'lost'>, images: readonly string[], written: RestoreReport['written']): string[] {
  const entries = written.flatMap(({ place, lost: left }) => left.map(({ path, lost: what }) => `${describePlace(place)}: ${path}: ${what}`))
  const all = [...lost, ...images, ...entries]
  return [
    ...(all.length === 0 ? [] : [`  damaged, and not restored: ${formatCount(all.length, 'thing')}`]),
    ...all.slice(0, mostLost).map(text => `    ${text}`),
    ...(all.length > mostLost ? [`    … and ${formatCount(all.length - mostLost, 'more', 'more')}: --json names them all`] : []),
  ]
}

/** Of what dray.dump wrote: that it was replayed, or how to get at it. */
function dumpLines({ backup, dump, spec }: StoredContainer, container: string, hasReplayed: boolean): string[] {
  if (dump === undefined) return []
  const { label, dataBytes } = dump.described
  const cat = `dray cat ${backup.id}:${label}/dump`
  const command = spec.inspect.Config.Labels?.['dray.restore']
  if (hasReplayed) return [`  dump: ${formatBytes(dataBytes)} replayed by dray.restore`]
  return [
    `  dump: the backup holds ${formatBytes(dataBytes)} that dray.dump wrote; they were not replayed`,
    `    see them: ${cat}`,
    ...(command === undefined ? [] : [`    replay them: dray restore … --replay-dump, or: ${cat} | docker exec -i ${container} ${command.startsWith('[') ? '…' : `sh -c '${command.replaceAll("'", `'\\''`)}'`}`]),
  ]
}

/** Mounts whose data is not in the backup: what is there is not theirs. tmpfs is empty by its nature. */
function notHeld({ spec }: StoredContainer): string[] {
  return spec.leftOut.filter(({ source }) => source !== 'tmpfs').map(({ destination, source, reason }) => `  not in the backup: ${source} at ${destination} (${reason})`)
}

export function differenceText({ field, recorded, restored }: { readonly field: string; readonly recorded: unknown; readonly restored: unknown }, before = 'in the backup'): string {
  return `${field}: ${JSON.stringify(recorded)} ${before}, ${JSON.stringify(restored)} now`
}

/** For `--dry-run`. */
export function restorePlanText(stored: StoredContainer, { name, networks, mounts, replaced, notes, imageRef }: RestorePlan, target: string, replaysDump = false): string {
  const { backup, spec } = stored
  return [
    `would restore container "${name}" from backup ${backup.id} of ${formatTime(backup.created)} to ${target}`,
    `  image     ${imageRef}${spec.images.some(({ role }) => role === 'commit') ? ', with what its writable layer held' : ''}`,
    ...(replaced === undefined ? [] : [`  replaces  container "${name}" (${replaced.State.Status}), which is backed up, stopped, and ${replaced.Config.Labels?.['com.docker.compose.project'] === undefined ? 'kept under another name' : 'removed at the end, because compose would take a kept one for its own'}`]),
    ...networks.map(({ Name }) => `  makes     network "${Name}"`),
    ...restorePlanMounts(mounts),
    ...(stored.dump === undefined ? [] : [`  dump      ${formatBytes(stored.dump.described.dataBytes)}, ${replaysDump ? 'replayed by dray.restore' : 'not replayed: that would be --replay-dump'}`]),
    ...notHeld(stored),
    ...damagedLines(stored),
    ...notes.map(note => `  note      ${note}`),
    `  state     ${spec.inspect.State.Status}`,
  ].join('\n')
}

/** What would happen to each mount. */
export function restorePlanMounts(mounts: RestorePlan['mounts']): string[] {
  return mounts.map(({ place, action, stored: { described }, because, inside }) => inside !== undefined ? `  writes    ${describePlace(place)}: ${because ?? ''}` : `  ${verbs[action]} ${describePlace(place)}: ${formatCount(described.entries, 'entry', 'entries')}, ${formatBytes(described.dataBytes)}${because === undefined ? '' : ` (${because})`}`)
}

const verbs = { make: 'makes    ', fill: 'fills    ', replace: 'replaces ', keep: 'keeps    ' } as const

/** For `--json`. */
export function restoreJson({ stored, plan, id, images, written, state, comparison, setAside, undo, hasReplayed, milliseconds }: RestoreReport): object {
  return {
    backup: stored.backup.id,
    name: plan.name,
    id,
    images: { sentLayers: images.sentLayers, presentLayers: images.presentLayers, sentBytes: images.sentBytes, notes: images.notes, lost: images.lost },
    mounts: written,
    kept: plan.mounts.filter(({ action }) => action === 'keep').map(({ place, because }) => ({ place, because })),
    state,
    lost: stored.lost,
    notInBackup: stored.spec.leftOut,
    losses: plan.request.losses,
    notes: plan.notes,
    ...comparison,
    ...(stored.dump === undefined ? {} : { dump: { place: `${stored.backup.id}:${stored.dump.described.label}/dump`, bytes: stored.dump.described.dataBytes, isReplayed: hasReplayed } }),
    ...(setAside === undefined ? {} : { replacedIn: setAside.backups }),
    ...(undo === undefined ? {} : { undo: `dray undo ${undo}`, keptAs: setAside?.containers.map(({ name }) => name) ?? [] }),
    milliseconds: Math.round(milliseconds),
  }
}
