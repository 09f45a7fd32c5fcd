import { tellBytes } from '../../archive/tell-bytes.ts'
import { fileContent } from '../../archive/file-content.ts'
import type { Engine } from '../../engine/engine.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { readRange, type ChunkSource } from '../../store/content-reader.ts'
import { findTocEntry } from '../../store/toc.ts'
import { readContainerLabels } from '../container-labels.ts'
import { whileTransferring } from '../reporter.ts'
import type { RestoreOptions, StoredContainer } from '../restore-plan.ts'
import type { Run } from '../run.ts'
import { dumpName } from './capture-dump.ts'
import { longestDumpMs, runInContainer } from './container-command.ts'

export type ReplayJob = { readonly run: Run; readonly engine: Engine; readonly source: ChunkSource; readonly stored: StoredContainer; readonly container: { readonly id: string; readonly name: string } }

/** Before anything is made: there is a dump, it is whole, and a command that reads it, in a container that will run. */
export function checkReplay(found: readonly StoredContainer[], options: Pick<RestoreOptions, 'start'>): void {
  const backups = [...new Set(found.map(({ backup }) => `"${backup.id}"`))].join(', ')
  const names = found.map(({ spec }) => `"${nameOf(spec.inspect)}"`).join(', ')
  if (!options.start) throw new DrayError('usage', '--replay-dump needs the container to run, and --no-start leaves it stopped', { hints: ['say one of them'] })
  if (found.every(({ spec: { dump } }) => dump === undefined)) throw new DrayError('not-found', `backup ${backups} holds no dump of ${names}: --replay-dump has nothing to replay`, { hints: ['restore it without --replay-dump', 'the label dray.dump makes backups hold one: docs/nightly.md'] })
  for (const { backup, spec, dump } of found) {
    const name = nameOf(spec.inspect)
    if (spec.dump === undefined) continue
    if (dump === undefined || dump.isBad !== undefined) throw new DrayError('damaged', `the dump of container "${name}" in backup "${backup.id}" is damaged`, { hints: ['restore it without --replay-dump', 'try an older backup: dray list'] })
    if (commandOf(spec.inspect) === undefined) throw new DrayError('not-found', `container "${name}" has no label dray.restore: how its dump is replayed is not known`, { hints: [`restore it without --replay-dump, and then: dray cat ${backup.id}:${dump.described.label}/dump | docker exec -i ${name} COMMAND`] })
  }
}

/** Runs the container's dray.restore in it, with the dump on its standard input. Throws `io-failed` when that fails, `damaged` for a dump that is. */
export async function replayDump({ run, engine, source, stored: { spec, dump }, container }: ReplayJob): Promise<void> {
  const command = commandOf(spec.inspect)
  if (dump === undefined || command === undefined) return
  const { content, described } = dump
  const entry = await findTocEntry(source, content.toc, dumpName)
  if (entry === undefined) throw new DrayError('damaged', `the dump "${described.label}" holds no file`)
  await whileTransferring(run.reporter, described.label, async transfer => {
    const file = fileContent(readRange(source, content.chunks, entry.offset, entry.offset + entry.bytes) as AsyncIterable<Buffer>)
    await runInContainer({ engine, container, command, label: 'dray.restore', timeoutMs: longestDumpMs, signal: run.signal }, { input: tellBytes(file, bytes => transfer.add(bytes)) })
  }, entry.size)
}

function commandOf({ Config, Name }: StoredContainer['spec']['inspect']): string | undefined {
  return readContainerLabels(Config.Labels, Name.slice(1)).restore
}
