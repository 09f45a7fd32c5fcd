import { findFormat, parseFoundEntry, sortArguments, type FoundEntry } from './find-listing.ts'
import type { ListedEntry } from './mount-access.ts'
import { inDirectory, messagesOf, runScript, toolFailure, type MountTools } from './mount-tools.ts'
import { isBelowAny, mountPointsBelow } from './mount-points.ts'
import { recordsOf } from './process-output.ts'

/** The first two records are the root's path and the mount table. */
const listScript = String.raw`pwd -P; printf '\0'; cat /proc/self/mountinfo; printf '\0'; { find "$@" -xdev -printf '${findFormat}'; echo "find ended: $?" >&2; } | sort ${sortArguments}`

/**
 * Lists the mount in batches, sorted by the bytes of the path. The mounts inside it are added to `nested`: a directory
 * is listed as it is seen, a file is not listed, nothing below either.
 */
export async function* listEntries(tools: MountTools, nested: Buffer[], signal: AbortSignal): AsyncGenerator<readonly ListedEntry[]> {
  const start = tools.fileName === undefined ? ['.'] : [`./${tools.fileName}`, '-maxdepth', '0']
  const child = await tools.start(inDirectory(tools, listScript, start), signal)
  child.stdin.on('error', () => undefined)
  child.stdin.end()
  const said = messagesOf(child.stderr)
  said.catch(() => undefined)
  nested.length = 0
  const preamble: Buffer[] = []
  let inside: readonly Buffer[] = []
  let root: FoundEntry | undefined
  for await (const records of recordsOf(child.stdout, 0)) {
    const batch: FoundEntry[] = []
    for (const record of records) {
      if (preamble.length < 2) {
        preamble.push(Buffer.from(record))
        inside = insideOf(tools, preamble)
        continue
      }
      const entry = parseFoundEntry(record)
      root ??= entry
      const isMount = inside.length > 0 && inside.some(point => point.equals(entry.path))
      if (isMount || (entry.type === 'd' && entry.device !== root.device)) nested.push(Buffer.from(entry.path))
      if ((isMount && entry.type !== 'd') || (inside.length > 0 && isBelowAny(entry.path, inside))) continue
      batch.push(entry)
    }
    if (batch.length > 0) yield batch
  }
  const [words, { exitCode }] = await Promise.all([said, child.exited])
  signal.throwIfAborted()
  const unknown = words.filter(line => !/^find ended: \d+$/.test(line) && !/^find: .*: No such file or directory$/.test(line))
  const ended = words.some(line => /^find ended: [01]$/.test(line))
  if (exitCode !== 0 || !ended || unknown.length > 0 || root === undefined) throw toolFailure(tools, 'list', unknown.length > 0 ? unknown : words.filter(line => !line.startsWith('find ended')), exitCode)
}

function insideOf(tools: MountTools, [root, mountinfo]: readonly Buffer[]): readonly Buffer[] {
  return root === undefined || mountinfo === undefined || tools.fileName !== undefined ? [] : mountPointsBelow(mountinfo, root.subarray(0, -1))
}

/** The mounts below the root of the mount, relative to it; none in a single file. */
export async function mountsInside(tools: MountTools, signal: AbortSignal): Promise<readonly Buffer[]> {
  const { stdout, stderr, exitCode } = await runScript(tools, String.raw`pwd -P; printf '\0'; cat /proc/self/mountinfo`, [], signal)
  if (exitCode !== 0) throw toolFailure(tools, 'open', stderr, exitCode)
  const nul = stdout.indexOf(0)
  return insideOf(tools, [stdout.subarray(0, nul), stdout.subarray(nul + 1)])
}
