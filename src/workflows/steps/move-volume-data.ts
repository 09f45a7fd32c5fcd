import type { Engine } from '../../engine/engine.ts'
import type { MountTarget } from '../../mounts/mount-access.ts'
import { openMountWriter } from '../../mounts/open-mount.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { openMountCopy } from './copy-mount.ts'

export type MoveVolumeJob = { readonly run: Run; readonly engine: Engine; readonly from: MountTarget; readonly to: MountTarget; readonly journal: TemporaryJournal; readonly signal: AbortSignal }

/** Makes one volume of an engine what another one is. */
export async function moveVolumeData({ run, engine, from, to, journal, signal }: MoveVolumeJob): Promise<void> {
  {
    await using writer = await openMountWriter({ engine, target: to, reader: 'auto', run: run.id, journal, signal })
    if (!(await writer.isEmpty(signal))) await writer.empty(signal)
  }
  await using copy = await openMountCopy({ run, source: engine, target: engine, from, to, label: 'the anonymous volume', reader: 'auto', sourceJournal: journal, targetJournal: journal })
  await copy.finish(signal)
}
