import type { Engine } from '../engine/engine.ts'
import { newBackupId, type BackupFacts } from '../store/backup-summary.ts'
import type { Run } from './run.ts'

/** What every new backup says of itself. */
export function newBackupFacts(run: Run, engine: Engine, tags: readonly string[]): Pick<BackupFacts, 'id' | 'created' | 'host' | 'engine' | 'run' | 'tags'> {
  return { id: newBackupId(), created: new Date().toISOString(), host: engine.facts.name, engine: engine.facts.id, run: run.id, tags }
}
