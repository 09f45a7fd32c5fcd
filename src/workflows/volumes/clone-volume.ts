import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { ReaderKind } from '../../mounts/mount-access.ts'
import { isTemporary, putAllRight } from '../put-right.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { openMountCopy, type CopyReport } from '../steps/copy-mount.ts'
import { restoreData } from '../steps/restore-data.ts'
import { volumeTarget } from '../steps/write-mount.ts'
import { isVolume, whilePaused } from './at-rest.ts'
import { requireVolume } from './require-volume.ts'

export type CloneJob = { readonly run: Run; readonly engine: Engine; readonly volume: string; readonly name: string; readonly reader: 'auto' | ReaderKind; readonly temporary: TemporaryJournal }

/** A new volume with the driver, options, labels and data of another one, compared with it. Containers that write are paused for what changes meanwhile. When it fails the new one is removed. */
export async function cloneVolume({ run, engine, volume, name, reader, temporary }: CloneJob): Promise<CopyReport & { readonly differences: readonly string[] }> {
  const { signal } = run
  const { Driver, Options, Labels } = await requireVolume(engine, volume, signal)
  if ((await unlessMissing(engine.volumes.inspect(name, { signal }))) !== undefined) throw new DrayError('conflict', `there is a volume "${name}" already`, { hints: ['choose another name'] })
  if (Options?.['device'] !== undefined) throw new DrayError('refused', `volume "${volume}" mounts "${Options['device']}": a clone would be the same data under another name`, { hints: [`a volume of its own: dray volume backup ${volume}, then dray volume restore`] })
  try {
    await run.journal.record(engine, { did: 'created volume', volume: name })
    await engine.volumes.create({ Name: name, Driver, DriverOpts: Options ?? {}, Labels: Labels ?? {} }, { signal })
    const [from, to] = [await volumeTarget(engine, volume, signal), await volumeTarget(engine, name, signal)]
    await using copy = await openMountCopy({ run, source: engine, target: engine, from, to, label: volume, reader, sourceJournal: temporary, targetJournal: temporary })
    const first = await copy.precopy(signal)
    const { report, differences } = await whilePaused(run, engine, isVolume(volume), async () => ({ report: await copy.finish(signal), differences: copy.reader === 'api' || copy.writer === 'api' ? [] : await copy.compare({ content: false }, signal) }))
    await run.journal.settle(...run.journal.open().filter(entry => !isTemporary(entry, run.id)))
    return { ...report, sentBytes: first.sentBytes + report.sentBytes, differences }
  } catch (thrown) {
    await putAllRight(engine, run, run.journal.open(), restoreData(run))
    throw thrown
  }
}
