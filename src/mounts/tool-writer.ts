import { DrayError } from '../errors/dray-error.ts'
import { changeMount, renewDirectories } from './change-mount.ts'
import type { MountWriter } from './mount-access.ts'
import { runScript, toolFailure, type MountTools } from './mount-tools.ts'
import { extractFileScript, extractWith, fileArgument } from './tool-extract.ts'
import { listEntries, mountsInside } from './tool-listing.ts'
import { toolReader } from './tool-reader.ts'

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
    write: (tar, signal) => extractWith(tools, tools.fileName === undefined ? extractScript : extractFileScript, tar, signal),
    change: (change, signal) => changeMount(tools, change, signal),
    renew: (directories, ofRoot, signal) => renewDirectories(tools, directories, ofRoot, signal),
    readBack: toolReader(tools),
    prepare: async (count, signal) => tools.prepare?.(count, signal),
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
