/** Looks at entries with tar and sha256sum where they lie: only what they say of them comes here. */
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DrayError } from '../errors/dray-error.ts'
import type { EntryAttributes } from './mount-access.ts'
import { inDirectory, messagesOf, toolFailure, type MountTools } from './mount-tools.ts'
import { endedPaths } from './path-list.ts'
import { recordsOf } from './process-output.ts'

type Paths = AsyncIterable<readonly Buffer[]>

/** An archive that is /dev/null makes tar say everything it knows of an entry without reading its data. */
const attributesScript = 'exec tar --create --file=/dev/null -vvv --full-time --format=pax --numeric-owner --xattrs "--xattrs-include=*" --sparse --quoting-style=escape --no-recursion --null --verbatim-files-from --files-from=-'
const digestsScript = 'exec xargs -0 -r sha256sum --binary --zero --'

export async function* attributesOf(tools: MountTools, paths: Paths, signal: AbortSignal): AsyncGenerator<readonly EntryAttributes[]> {
  let last: { line: string; xattrs: string[] } | undefined
  for await (const lines of outputOf(tools, attributesScript, 0x0a, paths, signal)) {
    const entries: EntryAttributes[] = []
    for (const bytes of lines) {
      const line = bytes.toString('latin1')
      if (line.startsWith('  ')) {
        last?.xattrs.push(line.trim())
        continue
      }
      if (last !== undefined) entries.push(sorted(last))
      last = { line: line.replaceAll(/ +/g, ' '), xattrs: [] }
    }
    yield entries
  }
  if (last !== undefined) yield [sorted(last)]
}

function sorted({ line, xattrs }: EntryAttributes): EntryAttributes {
  return { line, xattrs: xattrs.toSorted() }
}

export async function* digestsOf(tools: MountTools, paths: Paths, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  for await (const records of outputOf(tools, digestsScript, 0, paths, signal)) yield records.map(record => record.toString('latin1', 0, 64))
}

async function* outputOf(tools: MountTools, script: string, separator: number, paths: Paths, outer: AbortSignal): AsyncGenerator<Buffer[]> {
  const own = new AbortController()
  const signal = AbortSignal.any([outer, own.signal])
  const child = await tools.start(inDirectory(tools, script), signal)
  const fed = feed(paths, child.stdin)
  const said = messagesOf(child.stderr)
  for (const each of [fed, said]) each.catch(() => undefined)
  let ended = false
  try {
    yield* recordsOf(child.stdout, separator)
    const [words, { exitCode }] = await Promise.all([said, child.exited])
    outer.throwIfAborted()
    if (exitCode !== 0 || words.length > 0) throw toolFailure(tools, 'look at', words, exitCode)
    await fed
    ended = true
  } finally {
    if (!ended) own.abort(new DrayError('interrupted', 'nothing more is wanted'))
    await child.exited
  }
}

async function feed(paths: Paths, stdin: Writable): Promise<void> {
  async function* ended(): AsyncGenerator<Buffer> {
    for await (const batch of paths) if (batch.length > 0) yield endedPaths(batch)
  }
  await pipeline(Readable.from(ended(), { objectMode: false }), stdin)
}
