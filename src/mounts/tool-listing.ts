import { findFormat, parseFoundEntry, sortArguments, type FoundEntry } from './find-listing.ts'
import type { ListedEntry } from './mount-access.ts'
import { inDirectory, runScript, toolFailure, type MountTools } from './mount-tools.ts'
import { isBelowAny, mountPointsBelow } from './mount-points.ts'
import { linesOf, recordsOf } from './process-output.ts'

const listScript = `{ find "$@" -xdev -printf '${findFormat}'; echo "find ended: $?" >&2; } | sort ${sortArguments}`

/**
 * Lists the mount in batches, sorted by the bytes of the path. The mounts inside it are added to `nested`: a directory
 * is listed as it is seen, a file is not listed, nothing below either.
 */
export async function* listEntries(tools: MountTools, nested: Buffer[], signal: AbortSignal): AsyncGenerator<readonly ListedEntry[]> {
  const inside = await mountsInside(tools, signal)
  const start = tools.fileName === undefined ? ['.'] : [`./${tools.fileName}`, '-maxdepth', '0']
  const child = await tools.start(inDirectory(tools, listScript, start), signal)
  child.stdin.on('error', () => undefined)
  child.stdin.end()
  const said = linesOf(child.stderr)
  nested.length = 0
  let root: FoundEntry | undefined
  for await (const records of recordsOf(child.stdout, 0)) {
    const batch: FoundEntry[] = []
    for (const record of records) {
      const entry = parseFoundEntry(record)
      root ??= entry
      const isMount = inside.length > 0 && inside.some(point => point.equals(entry.path))
      if (isMount || (entry.type === 'd' && entry.device !== root.device)) nested.push(entry.path)
      if ((isMount && entry.type !== 'd') || (inside.length > 0 && isBelowAny(entry.path, inside))) continue
      batch.push(entry)
    }
    if (batch.length > 0) yield batch
  }
  const [words, { exitCode }] = await Promise.all([said, child.exited])
  signal.throwIfAborted()
  const ended = words.some(line => /^find ended: [01]$/.test(line))
  const unknown = words.filter(line => !/^find ended: \d+$/.test(line) && !/^find: .*: No such file or directory$/.test(line))
  if (exitCode !== 0 || !ended || unknown.length > 0) throw toolFailure(tools, 'list', unknown, exitCode)
  if (root === undefined) throw toolFailure(tools, 'list', words.filter(line => !line.startsWith('find ended')), exitCode)
}

/** The mounts below the root of the mount, relative to it; none in a single file. */
export async function mountsInside(tools: MountTools, signal: AbortSignal): Promise<readonly Buffer[]> {
  if (tools.fileName !== undefined) return []
  const { stdout, stderr, exitCode } = await runScript(tools, 'pwd -P && cat /proc/self/mountinfo', [], signal)
  if (exitCode !== 0) throw toolFailure(tools, 'open', stderr, exitCode)
  const newline = stdout.indexOf('\n')
  return mountPointsBelow(stdout.subarray(newline + 1), stdout.subarray(0, newline))
}
