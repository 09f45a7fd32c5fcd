import type { Engine } from '../../engine/engine.ts'
import { recordContainer } from '../../engine/spec/record-container.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { kindOfBind } from '../../mounts/bind-kind.ts'
import type { LiveContainer } from '../migration.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { namesOf } from './capture-original.ts'
import { seeOwnState } from './other-rests.ts'
import { otherWriters } from './other-writers.ts'
import { planMounts } from './plan-mounts.ts'

/** A container as it is now, in the form in which a target is asked for it. What is not moved with it is said. */
export async function lookAlive({ run, source, temporary }: { readonly run: Run; readonly source: Engine; readonly temporary: TemporaryJournal }, container: string): Promise<LiveContainer> {
  const { signal, reporter } = run
  const record = await seeOwnState(run, () => recordContainer(source, container, { signal }))
  const { captured, leftOut, missing } = await planMounts({ engine: source, record, include: [], exclude: [], kindOf: path => kindOfBind({ engine: source, path, run: run.id, journal: temporary, signal }) })
  const name = nameOf(record.inspect)
  for (const { destination, source: place, reason } of leftOut.filter(each => each.source !== 'tmpfs')) reporter.note(`"${name}": not moved: ${place} at ${destination}: ${reason}; the target's own takes its place`)
  for (const { destination, source: place, reason } of missing) reporter.warn(`"${name}": cannot be moved: ${place} at ${destination}: ${reason}`)
  const mounts = captured.map(planned => ({ planned, described: { kind: planned.target.kind, source: planned.target.kind === 'volume' ? planned.target.name : planned.target.path, label: planned.label, destinations: planned.destinations } }))
  return { spec: { ...record, images: [{ role: 'original', names: record.image === undefined ? [] : namesOf(record.image, record.inspect.Config.Image) }], leftOut: [...leftOut, ...missing] }, mounts, missing }
}

/** Containers that are not moved and may write to what is. */
export async function warnOfOtherWriters({ run, source }: { readonly run: Run; readonly source: Engine }, containers: readonly LiveContainer[]): Promise<void> {
  for (const text of await otherWriters(source, containers.map(({ spec }) => spec), run.signal)) run.reporter.warn(text)
}
