import { DrayError } from '../errors/dray-error.ts'
import type { MountChange, PathList, WriteReport } from './mount-access.ts'
import { runScript, toolFailure, type MountTools } from './mount-tools.ts'
import { extractFileScript, extractWith, runFed } from './tool-extract.ts'

const isChanged = 9

/**
 * Its input: a line with the lengths of three lists, the lists, the tar. The first list is of directories, which must still be
 * directories of this file system, so that no name leads elsewhere. The second, of the same, takes their ACL away, which what
 * is made in them would inherit: tar writes a directory without ACL over itself. The third is removed.
 */
const changeScript = `IFS=' ' read -r checked bared removed
found=$(head -c "$checked" | { xargs -0 -r sh -c 'exec find "$@" -maxdepth 0 -printf "%D %y\\\\n"' sh || echo missing; } | sort -u)
if [ "$checked" != 0 ] && [ "$found" != "$(find . -maxdepth 0 -printf '%D %y\\n')" ]; then exit ${isChanged}; fi
head -c "$bared" | tar --create --no-recursion --numeric-owner --null --verbatim-files-from --files-from=- --file=- | tar --extract --acls --preserve-permissions --numeric-owner --delay-directory-restore --file=- 2>/dev/null
head -c "$removed" | xargs -0 -r rm -rf --one-file-system -- || exit 2
tar "$@"; code=$?; cat > /dev/null; exit $code`

/** A single file is made anew: cp would leave it the extended attributes that it had. */
const changeFileScript = `IFS=' ' read -r checked bared removed
head -c "$((checked + bared + removed))" > /dev/null; rm -f -- "$1"
${extractFileScript}`

export async function changeMount(tools: MountTools, { paths, tar }: MountChange, signal: AbortSignal): Promise<WriteReport> {
  async function* input(): AsyncGenerator<Buffer> {
    const { directories, removed } = await paths
    yield Buffer.from(`${directories.bytes} ${directories.bytes} ${removed.bytes}\n`)
    for (const list of [directories, directories, removed]) yield* list.parts()
    yield* tar
  }
  const script = tools.fileName === undefined ? changeScript : changeFileScript
  return await extractWith(tools, script, input(), signal, ({ exitCode, words }) => {
    if (exitCode !== isChanged) return undefined
    return new DrayError('conflict', `${tools.where} was changed by somebody else while it was written${words.length === 0 ? '' : `: ${words.slice(0, 3).join('; ')}`}`, { hints: ['something else writes to it: stop that and run the same command again'] })
  })
}

/** A new directory beside the old one takes over what is in it, and then its name. */
const renewScript = `exec xargs -0 -r -n 1 sh -c '
if [ "$1" = . ]; then exit 0; fi
new=$(mktemp -d "\${1%/*}/.dray-XXXXXXXX") || exit 255
find "$1" -mindepth 1 -maxdepth 1 -exec mv -t "$new" -- {} + && rmdir -- "$1" && mv -T -- "$new" "$1" || exit 255' sh`

const bareRootScript = 'for name; do if ! setfattr --remove="$name" .; then echo "$name"; fi; done'

export async function renewDirectories(tools: MountTools, directories: PathList, ofRoot: readonly string[], signal: AbortSignal): Promise<WriteReport> {
  const { words, exitCode, isCut } = await runFed(tools, renewScript, [], directories.parts(), signal)
  if (exitCode !== 0 || words.length > 0 || isCut) throw toolFailure(tools, 'change directories of', words, exitCode)
  if (ofRoot.length === 0) return { problems: [] }
  const { stdout } = await runScript(tools, bareRootScript, ofRoot, signal)
  const left = stdout.toString('latin1').split('\n').filter(name => name !== '')
  return { problems: left.map(name => `.: the extended attribute "${name}" cannot be removed without the program setfattr there`) }
}
