import { DrayError } from '../errors/dray-error.ts'
import { didYouMean } from '../errors/similar-name.ts'
import type { KeepPolicy } from '../store/keep-policy.ts'
import { periods } from '../store/time-bucket.ts'
import type { BackupTask } from './backup-task.ts'
import type { LoadedConfig } from './config/read-config.ts'
import type { Job } from './config/schema.ts'

/** Throws `not-found` for a job that the configuration does not have. */
export function findJob({ config, path }: LoadedConfig, name: string): Job {
  const job = config.jobs[name]
  if (job !== undefined) return job
  const names = Object.keys(config.jobs)
  throw new DrayError('not-found', `there is no job "${name}" in "${path}"`, { hints: [...didYouMean(name, names), names.length === 0 ? 'it has no jobs: docs/configuration.md' : `there are: ${names.join(', ')}`] })
}

export function taskOfJob(loaded: LoadedConfig, name: string): BackupTask {
  const { config } = loaded
  const job = findJob(loaded, name)
  const { hosts, containers, all, projects, labels, except, images, include, exclude, consistency, reader, tags } = job
  const notify = { ...config.notify, ...job.notify }
  return {
    job: name,
    hosts: hosts.length === 0 ? [undefined] : hosts.map(host => (host === 'default' ? undefined : host)),
    repository: job.repository,
    choices: { selection: { names: containers, all, projects, labels, except }, images, include, exclude, consistency: consistency ?? 'pause', obeys: consistency === undefined ? 'labels' : 'labels but consistency', reader, tags, imageTags: [], withImage: true, commit: { changes: [] } },
    policy: policyOf(job),
    before: job.before,
    after: job.after,
    hookTimeoutMs: job['hook-timeout'],
    parallel: job.parallel,
    notify: { ...notify, on: notify.on ?? 'always' },
  }
}

function policyOf({ keep }: Job): KeepPolicy | undefined {
  if (keep === undefined) return undefined
  const counts = (['last', ...periods] as const).flatMap(rule => (keep[rule] === undefined ? [] : [[rule, keep[rule]] as const]))
  return { ...Object.fromEntries(counts), ...(keep.within === undefined ? {} : { withinMs: keep.within }), ...(keep.tags.length === 0 ? {} : { tags: keep.tags }) }
}
