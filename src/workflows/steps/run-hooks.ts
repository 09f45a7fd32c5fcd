import type { Engine } from '../../engine/engine.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import type { Run } from '../run.ts'
import { runInContainer } from './container-command.ts'
import type { Member } from './look-at-containers.ts'

export type HooksJob = { readonly run: Run; readonly engine: Engine; readonly members: readonly Member[] }

/**
 * Runs `dray.pre` in each container that runs, one after the other. That `dray.post` is to be run is in the journal before, so it
 * runs also when all else fails, or after a kill.
 */
export async function runPreHooks({ run, engine, members }: HooksJob): Promise<void> {
  for (const { spec: { inspect }, labels: { pre, post, hookTimeoutMs } } of members) {
    if (pre === undefined && post === undefined) continue
    const name = nameOf(inspect)
    if (!inspect.State.Running || inspect.State.Paused) {
      run.reporter.note(`container "${name}" does not run: its ${pre === undefined ? 'dray.post is' : 'dray.pre is'} not run`)
      continue
    }
    if (post !== undefined) await run.journal.record(engine, { did: 'prepared container', container: inspect.Id, name, post, timeoutMs: hookTimeoutMs })
    if (pre !== undefined) await runInContainer({ engine, container: { id: inspect.Id, name }, command: pre, label: 'dray.pre', timeoutMs: hookTimeoutMs, signal: run.signal })
  }
}

/** Runs `dray.post` where it is to be run, in the reverse order. What fails stays in the journal. */
export async function runPostHooks({ run, engine, members }: HooksJob): Promise<void> {
  const ids = new Set(members.map(({ spec }) => spec.inspect.Id))
  for (const entry of run.journal.open().toReversed()) {
    if (entry.did !== 'prepared container' || !ids.has(entry.container)) continue
    await runInContainer({ engine, container: { id: entry.container, name: entry.name }, command: entry.post, label: 'dray.post', timeoutMs: entry.timeoutMs, signal: new AbortController().signal })
    await run.journal.settle(entry)
  }
}
