import { DrayError } from '../../errors/dray-error.ts'
import { inspectRepository } from '../../integrity/check-repository.ts'
import type { BackupSummary } from '../../store/backup-summary.ts'
import { whileTransferring } from '../reporter.ts'
import { backUpVolume, type VolumeBackupJob } from './back-up-volume.ts'

/** Removes a volume once all of it is in a backup that was read back whole. What cannot be backed up whole stays: `io-failed`, `damaged`. */
export async function removeAfterBackup(job: Omit<VolumeBackupJob, 'consistency' | 'tags'>): Promise<BackupSummary> {
  const { run, engine, repository, volume } = job
  const { backup, report } = await backUpVolume({ ...job, consistency: 'none', tags: ['removed'] })
  const [problem] = report.problems
  if (problem !== undefined) throw new DrayError('io-failed', `volume "${volume}" is not removed: "${problem.path.toString()}" could not be backed up: ${problem.detail}`, { hints: ['remove it without a backup: --no-backup'] })
  const { report: checked } = await whileTransferring(run.reporter, `reading back ${volume}`, transfer => inspectRepository({
    repository, backup, level: 'full', share: 1, repairs: true, onTotal: bytes => transfer.expect(bytes), onBytes: bytes => transfer.add(bytes), signal: run.signal,
  }))
  if (checked.verdict !== 'valid') throw new DrayError('damaged', `volume "${volume}" is not removed: its backup "${backup.id}" is damaged`, { hints: ['run the same command again: it stores what is missing'] })
  await engine.volumes.remove(volume, {}, { signal: run.signal })
  return backup
}
