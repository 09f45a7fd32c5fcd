import type { KeepPolicy } from '../store/keep-policy.ts'
import type { BackupChoices } from './backup-options.ts'
import type { Notify } from './notify/notify.ts'

/** What one `dray backup` is to do, from its options or from a job of the configuration. */
export type BackupTask = {
  /** Of the configuration. */
  readonly job: string | undefined
  /** Undefined: the default engine. */
  readonly hosts: readonly (string | undefined)[]
  /** Undefined: what --repo, DRAY_REPO or the configuration says. */
  readonly repository: string | undefined
  readonly choices: BackupChoices
  /** Undefined: nothing is forgotten. */
  readonly policy: KeepPolicy | undefined
  /** Lines of shell on this machine. */
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly hookTimeoutMs: number
  /** Groups of containers that are worked on at one time, of all engines. */
  readonly parallel: number
  readonly notify: Notify
}
