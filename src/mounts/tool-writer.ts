import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DrayError } from '../errors/dray-error.ts'
import type { MountWriter, WriteReport } from './mount-access.ts'
import { inDirectory, messagesOf, runScript, toolFailure, type MountTools } from './mount-tools.ts'
import { extractArguments } from './tar-arguments.ts'
import { readExtractMessages } from './tar-messages.ts'
import { listEntries, mountsInside } from './tool-listing.ts'

/** ext4 keeps lost+found in inode 11: a directory of that name elsewhere is the user's. */
const notLostAndFound = String.raw`! \( -path ./lost+found -inum 11 \)`

/** Writes a mount with `tools`, which are closed with the writer. */
export function toolWriter(tools: MountTools): MountWriter {
  return {
    kind: tools.kind,
    losses: tools.losses,
    canList: true,
    isEmpty: signal => isEmpty(tools, signal),
    findFixed: signal => findFixed(tools, signal),
    empty: signal => empty(tools, signal),
    write: (tar, signal) => extract(tools, tar, signal),
    list: signal => listEntries(tools, [], signal),
    [Symbol.asyncDispose]: () => tools.close(),
  }
}

/** A single file is empty when it is missing or holds no byte. */
async function isEmpty(tools: MountTools, signal: AbortSignal): Promise<boolean> {
  const script = tools.fileName === undefined ? `find . -mindepth 1 -maxdepth 1 ${notLostAndFound} -print -quit` : 'if [ -s "$1" ]; then echo filled; fi'
  const { stdout, stderr, exitCode } = await runScript(tools, script, fileArgument(tools), signal)
  if (exitCode !== 0) throw toolFailure(tools, 'look into', stderr, exitCode)
  return stdout.length === 0
}

/** lsattr prints each entry's flags before its name, of a folder's parent too. Where it is missing, or the file system has no flags, nothing is found. */
async function findFixed(tools: MountTools, signal: AbortSignal): Promise<Buffer | undefined> {
  const list = tools.fileName === undefined ? 'lsattr -aR . 2>/dev/null' : 'lsattr -d -- "$1" 2>/dev/null'
  const { stdout } = await runScript(tools, `${list} | grep -v '/\.\.$' | grep -m 1 '^[-A-Za-z]*[ia][-A-Za-z]* ' || true`, fileArgument(tools), signal)
  const name = stdout.indexOf(' ')
  return name < 0 ? undefined : stdout.subarray(name + 1, stdout.length - 1)
}

async function empty(tools: MountTools, signal: AbortSignal): Promise<void> {
  const [inside] = await mountsInside(tools, signal)
  if (inside !== undefined) throw new DrayError('conflict', `${tools.where} is not emptied: "${inside.toString()}" is mounted inside it`, { hints: ['unmount it, or choose another path with --map-bind'] })
  const script = tools.fileName === undefined ? `find . -xdev -mindepth 1 ${notLostAndFound} -delete` : 'if [ -e "$1" ]; then : > "$1"; fi'
  const { stderr, exitCode } = await runScript(tools, script, fileArgument(tools), signal)
  if (exitCode !== 0) throw toolFailure(tools, 'empty', stderr, exitCode)
}

/**
 * Extracts into an empty mount. The root first loses the ACL it had, which its new children would inherit. tar ends at the
 * zero blocks: the rest of the stream is read as well, so that its source can end well.
 */
const extractScript = 'tar --create --no-recursion --file=- . | tar --extract --acls --preserve-permissions --file=- 2>/dev/null; tar "$@"; code=$?; cat > /dev/null; exit $code'

/**
 * A single file is extracted beside its place, because it may have had another name, and tar's --overwrite makes a new file as
 * soon as there are extended attributes: one that exists keeps its inode, which the containers that have it mounted see.
 */
const extractFileScript = `f=$1; shift
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

async function extract(tools: MountTools, tar: AsyncIterable<Buffer>, signal: AbortSignal): Promise<WriteReport> {
  const script = tools.fileName === undefined ? extractScript : extractFileScript
  const child = await tools.start(inDirectory(tools, script, [...fileArgument(tools), ...extractArguments]), signal)
  child.stdout.resume()
  const [failure, said, { exitCode }] = await Promise.all([send(tar, child.stdin), messagesOf(child.stderr), child.exited])
  signal.throwIfAborted()
  if (failure.ofSource !== undefined) throw failure.ofSource.thrown
  const { problems, unknown } = readExtractMessages(said)
  const understood = exitCode === 0 || (exitCode !== null && exitCode <= 2 && problems.length > 0)
  if (!understood || unknown.length > 0 || failure.ofTar) throw toolFailure(tools, 'write', unknown, exitCode)
  return { problems }
}

/** Tells the source's own failure from tar's early end, of which tar itself says why. */
async function send(tar: AsyncIterable<Buffer>, stdin: Writable): Promise<{ readonly ofSource?: { readonly thrown: unknown }; readonly ofTar: boolean }> {
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

function fileArgument(tools: MountTools): readonly string[] {
  return tools.fileName === undefined ? [] : [`./${tools.fileName}`]
}
