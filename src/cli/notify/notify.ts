import { join } from 'node:path'
import { DrayError, messageOf } from '../../errors/dray-error.ts'
import type { RunSummary } from '../../store/run-summaries.ts'
import { runText } from '../../ui/describe-runs.ts'
import type { Reporter } from '../../workflows/reporter.ts'
import { stateFolder } from '../command-resources.ts'
import { runHostCommand } from '../host-command.ts'
import { writeMetrics } from './metrics.ts'
import { sendHttp } from './send-http.ts'

/** Who is told of a run. `on: failure` leaves the webhook and the command out when the exit code is 0; ping and metrics always know. */
export type Notify = { readonly ping?: string | undefined; readonly webhook?: string | undefined; readonly command?: string | undefined; readonly metrics?: string | undefined; readonly on: 'always' | 'failure' }

export type NotifyContext = { readonly reporter: Reporter; readonly job: string; readonly env: NodeJS.ProcessEnv }

/** Pings `…/start`, as healthchecks.io has it. Nobody who cannot be told stops a backup: that is a warning. */
export async function notifyStart({ ping }: Notify, { reporter }: NotifyContext): Promise<void> {
  if (ping !== undefined) await warnUnless(reporter, 'the start was not told', () => sendHttp({ url: below(ping, 'start') }, AbortSignal.timeout(30_000)))
}

/** Tells everybody the end, also of an interrupted run; each is tried though others fail. */
export async function notifyEnd(notify: Notify, summary: RunSummary, { reporter, job, env }: NotifyContext): Promise<void> {
  const { ping, webhook, command, metrics, on } = notify
  const signal = AbortSignal.timeout(60_000)
  const isGood = summary.exitCode === 0
  const isWanted = on === 'always' || !isGood
  await Promise.all([
    metrics === undefined ? undefined : warnUnless(reporter, 'the metrics were not written', () => writeMetrics(metrics, job, summary, join(stateFolder(env), 'metrics-lock'))),
    ping === undefined ? undefined : warnUnless(reporter, 'the ping was not sent', () => sendHttp({ url: isGood ? ping : below(ping, 'fail'), body: runText(summary).slice(0, 10_000) }, signal)),
    webhook === undefined || !isWanted ? undefined : warnUnless(reporter, 'the webhook was not called', () => sendHttp({ url: webhook, body: JSON.stringify(summary), contentType: 'application/json' }, signal)),
    command === undefined || !isWanted ? undefined : warnUnless(reporter, 'the command was not run', () => runHostCommand(command, { env: { ...env, ...environmentOf(summary, job) }, input: JSON.stringify(summary), timeoutMs: 60_000, signal })),
  ])
}

function below(url: string, name: string): string {
  const made = new URL(url)
  made.pathname = `${made.pathname.replace(/\/$/, '')}/${name}`
  return made.toString()
}

function environmentOf({ run, exitCode = 1, backups, failed }: RunSummary, job: string): Record<string, string> {
  return { DRAY_JOB: job, DRAY_RUN: run, DRAY_EXIT_CODE: String(exitCode), DRAY_STATUS: exitCode === 0 ? 'success' : exitCode === 3 ? 'incomplete' : 'failed', DRAY_BACKUPS: backups.map(({ id }) => id).join(' '), DRAY_FAILED: failed.map(({ what }) => what).join(' ') }
}

async function warnUnless(reporter: Reporter, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (thrown) {
    reporter.warn(`${what}: ${thrown instanceof DrayError ? [thrown.message, ...thrown.hints].join('; ') : messageOf(thrown)}`)
  }
}
