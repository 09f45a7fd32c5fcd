import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { EntryStream, ListedEntry, MountReader, ReadProblem } from './mount-access.ts'
import { endedPaths } from './path-list.ts'
import { inDirectory, messagesOf, runScript, toolFailure, type MountTools } from './mount-tools.ts'
import { createArguments } from './tar-arguments.ts'
import { attributesOf, digestsOf } from './tool-inspection.ts'
import { readTarMessages } from './tar-messages.ts'
import { listEntries } from './tool-listing.ts'

/** A reader by GNU find and tar. `nested` holds the mounts inside the mount, which are not crossed, when list() has ended. */
export type ToolReader = MountReader & { readonly nested: Buffer[] }

/** Reads a mount with `tools`, which are closed with the reader. */
export function toolReader(tools: MountTools): ToolReader {
  const nested: Buffer[] = []
  return {
    kind: tools.kind,
    losses: tools.losses,
    canList: true,
    nested,
    sync: signal => syncFileSystem(tools, signal),
    list: signal => listEntries(tools, nested, signal),
    stream: (paths, signal) => streamEntries(tools, paths ?? pathsOf(listEntries(tools, nested, signal)), signal),
    attributes: (paths, signal) => attributesOf(tools, paths, signal),
    digests: (paths, signal) => digestsOf(tools, paths, signal),
    prepare: async (count, signal) => tools.prepare?.(count, signal),
    [Symbol.asyncDispose]: () => tools.close(),
  }
}

async function syncFileSystem(tools: MountTools, signal: AbortSignal): Promise<string> {
  const { stdout, stderr, exitCode } = await runScript(tools, 'date +%s.%N && sync -f .', [], signal)
  if (exitCode !== 0) throw toolFailure(tools, 'write back', stderr, exitCode)
  return stdout.toString('latin1').trim()
}

async function* pathsOf(entries: AsyncIterable<readonly ListedEntry[]>): AsyncGenerator<readonly Buffer[]> {
  for await (const batch of entries) yield batch.filter(entry => entry.type !== 's').map(entry => entry.path)
}

/** The tar stream ends only after tar has ended well: whatever makes `problems` reject is the stream's error too. */
function streamEntries(tools: MountTools, paths: AsyncIterable<readonly Buffer[]>, outer: AbortSignal): EntryStream {
  const own = new AbortController()
  const running = startTar(tools, paths, outer, own)
  const problems = running.then(({ finished }) => finished)
  problems.catch(() => undefined)
  const tar = Readable.from(outputOf(running), { objectMode: false, highWaterMark: 1 << 18 })
  tar.once('close', () => {
    if (!tar.readableEnded) own.abort()
  })
  return { tar, problems }
}

type RunningTar = { readonly output: AsyncIterable<Buffer>; readonly finished: Promise<readonly ReadProblem[]> }

async function* outputOf(running: Promise<RunningTar>): AsyncGenerator<Buffer> {
  const { output, finished } = await running
  try {
    yield* output
  } catch (thrown) {
    await finished
    throw thrown
  }
  await finished
}

async function startTar(tools: MountTools, paths: AsyncIterable<readonly Buffer[]>, outer: AbortSignal, own: AbortController): Promise<RunningTar> {
  const child = await tools.start(inDirectory(tools, 'exec tar "$@"', createArguments), AbortSignal.any([outer, own.signal]))
  const output = readFromNowOn(child.stdout)
  const finished = finish()
  finished.catch(() => undefined)
  return { output, finished }

  async function finish(): Promise<readonly ReadProblem[]> {
    const [fed, said, { exitCode }] = await Promise.all([feed(paths, child.stdin, own), messagesOf(child.stderr), child.exited])
    outer.throwIfAborted()
    if (fed !== undefined) throw fed.thrown
    const { problems, unknown } = readTarMessages(said)
    const understood = exitCode === 0 || (exitCode !== null && exitCode <= 2 && problems.length > 0)
    if (!understood || unknown.length > 0) throw toolFailure(tools, 'read', unknown, exitCode)
    return problems
  }
}

/** What a process wrote and nobody has begun to read when it ends, Node throws away: the first piece is asked for at once. */
function readFromNowOn(stdout: Readable): AsyncIterable<Buffer> {
  const pieces = stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>
  const first = pieces.next()
  first.catch(() => undefined)
  return (async function* () {
    try {
      for (let next = await first; next.done !== true; next = await pieces.next()) yield next.value
    } finally {
      await pieces.return?.()
    }
  })()
}

/** Gives tar the paths. A source of paths that fails ends tar; a tar that ends early says why by itself. */
async function feed(paths: AsyncIterable<readonly Buffer[]>, stdin: Writable, own: AbortController): Promise<{ readonly thrown: unknown } | undefined> {
  let failure: { thrown: unknown } | undefined
  const note = (thrown: unknown) => {
    failure = { thrown }
  }
  await pipeline(Readable.from(endedByNul(paths, note), { objectMode: false }), stdin).catch(() => undefined)
  if (failure) own.abort()
  return failure
}

async function* endedByNul(paths: AsyncIterable<readonly Buffer[]>, onFailure: (thrown: unknown) => void): AsyncGenerator<Buffer> {
  try {
    for await (const batch of paths) if (batch.length > 0) yield endedPaths(batch)
  } catch (thrown) {
    onFailure(thrown)
    throw thrown
  }
}
