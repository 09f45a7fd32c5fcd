import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { DrayError } from '../errors/dray-error.ts'
import type { WriteReport } from './mount-access.ts'
import { inDirectory, messagesOf, toolFailure, type MountTools } from './mount-tools.ts'
import { extractArguments } from './tar-arguments.ts'
import { readExtractMessages } from './tar-messages.ts'

/**
 * A single file is extracted beside its place, because it may have had another name, and tar's --overwrite makes a new file as
 * soon as there are extended attributes: one that exists keeps its inode, which the containers that have it mounted see.
 */
export const extractFileScript = `f=$1; shift
if [ -L "$f" ]; then rm -f -- "$f"; fi
d=$(mktemp -d ./.dray-XXXXXXXX) || exit 2
trap 'rm -rf -- "$d"' EXIT
tar -C "$d" "$@"; code=$?; cat > /dev/null
if [ $code != 0 ]; then echo "nothing was written" >&2; exit $code; fi
for each in "$d"/* "$d"/.[!.]* "$d"/..?*; do
  if [ -L "$each" ] || ! [ -f "$each" ]; then continue; fi
  if [ -f "$f" ]; then cp -dT --preserve=all --sparse=auto -- "$each" "$f"; else mv -T -- "$each" "$f"; fi
  exit
done
echo "the archive holds no file" >&2; exit 2`

type Ended = { readonly words: readonly string[]; readonly exitCode: number | null; /** It ended before it had read its input. */ readonly isCut: boolean }

/** Runs `script`, whose arguments are tar's (of a single file, its name comes first), with `tar` as its input. `explain` knows its own exit codes. */
export async function extractWith(tools: MountTools, script: string, tar: AsyncIterable<Buffer>, signal: AbortSignal, explain: (ended: Ended) => DrayError | undefined = () => undefined, args: readonly string[] = extractArguments): Promise<WriteReport> {
  const ended = await runFed(tools, script, [...fileArgument(tools), ...args], tar, signal)
  const { words, exitCode, isCut } = ended
  const explained = explain(ended)
  if (explained !== undefined) throw explained
  const { problems, unknown } = readExtractMessages(words)
  const understood = exitCode === 0 || (exitCode !== null && exitCode <= 2 && problems.length > 0)
  if (!understood || unknown.length > 0 || isCut) throw toolFailure(tools, 'write', unknown, exitCode)
  return { problems }
}

/** Runs a script to its end with this input. Rejects with what the input itself failed with. */
export async function runFed(tools: MountTools, script: string, args: readonly string[], input: AsyncIterable<Buffer> | Iterable<Buffer>, signal: AbortSignal): Promise<Ended> {
  const child = await tools.start(inDirectory(tools, script, args), signal)
  child.stdout.resume()
  const [failure, words, { exitCode }] = await Promise.all([send(input, child.stdin), messagesOf(child.stderr), child.exited])
  signal.throwIfAborted()
  if (failure.ofSource !== undefined) throw failure.ofSource.thrown
  return { words, exitCode, isCut: failure.ofTar }
}

/** Tells the source's own failure from tar's early end, of which tar itself says why. */
async function send(tar: AsyncIterable<Buffer> | Iterable<Buffer>, stdin: Writable): Promise<{ readonly ofSource?: { readonly thrown: unknown }; readonly ofTar: boolean }> {
  let ofSource: { readonly thrown: unknown } | undefined
  async function* noted(): AsyncGenerator<Buffer> {
    try {
      yield* tar
    } catch (thrown) {
      if (!stdin.destroyed) ofSource = { thrown }
      throw thrown
    }
  }
  try {
    await pipeline(noted(), pieceByPiece(stdin))
    return { ofTar: false }
  } catch {
    return { ...(ofSource && { ofSource }), ofTar: true }
  }
}

/** Takes a piece when the one before it has left this process: the memory of a piece may be used again then. */
function pieceByPiece(stdin: Writable): Writable {
  const pieces = new Writable({
    highWaterMark: 1,
    write: (piece: Buffer, _encoding, done) => stdin.write(piece, done),
    final: done => stdin.end(done),
    destroy: (error, done) => {
      if (error !== null) stdin.destroy()
      done(error)
    },
  })
  stdin.once('error', error => pieces.destroy(error))
  return pieces
}

export function fileArgument(tools: MountTools): readonly string[] {
  return tools.fileName === undefined ? [] : [`./${tools.fileName}`]
}
