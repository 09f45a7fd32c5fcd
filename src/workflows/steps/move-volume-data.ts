import { posix } from 'node:path'
import type { Engine } from '../../engine/engine.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { describeTarget } from '../../mounts/engine-mount.ts'
import type { MountTarget } from '../../mounts/mount-access.ts'
import { runScript } from '../../mounts/mount-tools.ts'
import { openMountWriter } from '../../mounts/open-mount.ts'
import { openVolumesFolder } from '../../mounts/volumes-folder.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { openMountCopy } from './copy-mount.ts'

export type MoveVolumeJob = { readonly run: Run; readonly engine: Engine; readonly from: MountTarget; readonly to: MountTarget; readonly journal: TemporaryJournal; readonly signal: AbortSignal }

/**
 * Gives volume `to` what volume `from` of the same engine holds, with the root's own attributes; what was in it goes, and `from` is
 * empty then. No container may run with either. Where both lie in one file system the directories change their names, and it
 * takes no time; else the data is copied and compared, and `from` keeps its own.
 */
export async function moveVolumeData(job: MoveVolumeJob): Promise<void> {
  if (!(await renameData(job))) await copyData(job)
}

/** Nothing is changed unless the first rename succeeds. The directory that lies there is put back when the second one fails. */
const renameScript = `from=$1 to=$2
if [ -L "$from" ] || [ -L "$to" ] || [ "$(stat -c %d -- "$from" "\${from%/*}" "$to" "\${to%/*}" | sort -u | wc -l)" != 1 ]; then exit 8; fi
old="\${to%/*}/.dray-old"
mv -T -- "$to" "$old" 2>/dev/null || exit 8
if ! mv -T -- "$from" "$to"; then mv -T -- "$old" "$to"; exit 9; fi
mkdir -m 0700 -- "$from" && rm -rf --one-file-system -- "$old"`

const cannotRename = 8

async function renameData({ engine, run, from, to, journal, signal }: MoveVolumeJob): Promise<boolean> {
  if (from.kind !== 'volume' || to.kind !== 'volume') return false
  const tools = await openVolumesFolder({ engine, volumes: [from, to], run: run.id, journal, signal })
  if (tools === undefined) return false
  const names = [from, to].map(({ mountpoint }) => `./${posix.relative(tools.directoryOfEngine, mountpoint)}`)
  try {
    const { stderr, exitCode } = await runScript(tools, renameScript, names, signal)
    if (exitCode === cannotRename) return false
    if (exitCode !== 0) throw new DrayError('io-failed', `move ${describeTarget(from)} to ${describeTarget(to)}: ${stderr.slice(0, 3).join('; ')}`)
    return true
  } finally {
    await tools.close()
  }
}

async function copyData({ engine, run, from, to, journal, signal }: MoveVolumeJob): Promise<void> {
  {
    await using writer = await openMountWriter({ engine, target: to, reader: 'auto', run: run.id, journal, signal })
    await writer.empty(signal)
  }
  await using copy = await openMountCopy({ run, source: engine, target: engine, from, to, label: `${describeTarget(to)} of the target`, reader: 'auto', sourceJournal: journal, targetJournal: journal })
  const { problems } = await copy.finish(signal)
  const differences = copy.reader === 'api' || copy.writer === 'api' ? [] : await copy.compare({ content: false }, signal)
  const words = [...problems.map(({ path, detail }) => `"${path.toString()}" ${detail}`), ...differences]
  if (words.length > 0) throw new DrayError('io-failed', `move ${describeTarget(from)} to ${describeTarget(to)}: ${words.slice(0, 3).join('; ')}`)
}
