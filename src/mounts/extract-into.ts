/**
 * Puts files into a folder in which others are. All of it is extracted into a new folder inside it first, and gets its names when
 * it is whole. Nothing is written through a symbolic link that is there.
 */
import { pipeline } from 'node:stream/promises'
import { DrayError } from '../errors/dray-error.ts'
import { inDirectory, messagesOf, runScript, toolFailure, type MountTools } from './mount-tools.ts'
import { recordsOf } from './process-output.ts'
import { extractWith } from './tool-extract.ts'

/** Something to be put into the folder, relative to it, such as "./a/b". */
export type Expected = { readonly path: Buffer; readonly isFolder: boolean }

/** What stands in the way, as paths: what is there already (`force`: only where one is a folder and the other is not). At most `most`. */
export async function findInTheWay(tools: MountTools, expected: () => AsyncIterable<readonly Expected[]>, { force, most }: { readonly force: boolean; readonly most: number }, signal: AbortSignal): Promise<Buffer[]> {
  const folders = await existing(tools, expected, true, ['!', '-type', 'd'], most, signal)
  const others = await existing(tools, expected, false, force ? ['-type', 'd'] : [], most, signal)
  return [...folders, ...others].slice(0, most)
}

const existingScript = `exec xargs -0 -r sh -c 'test=$1; shift; exec find "$@" -maxdepth 0 $test -print0 2>/dev/null' sh "$*"`

async function existing(tools: MountTools, expected: () => AsyncIterable<readonly Expected[]>, isFolder: boolean, test: readonly string[], most: number, signal: AbortSignal): Promise<Buffer[]> {
  async function* names(): AsyncGenerator<Buffer> {
    for await (const batch of expected()) {
      const wanted = batch.filter(each => each.isFolder === isFolder)
      if (wanted.length > 0) yield Buffer.concat(wanted.flatMap(({ path }) => [path, Buffer.from([0])]))
    }
  }
  const child = await tools.start(inDirectory(tools, existingScript, test), signal)
  const [fed, found] = await Promise.all([
    pipeline(names(), child.stdin).then(() => undefined, (thrown: unknown) => ({ thrown })),
    firstOf(recordsOf(child.stdout, 0), most),
    messagesOf(child.stderr),
    child.exited,
  ])
  signal.throwIfAborted()
  if (fed !== undefined) throw fed.thrown
  return found
}

async function firstOf(names: AsyncIterable<readonly Buffer[]>, most: number): Promise<Buffer[]> {
  const found: Buffer[] = []
  for await (const batch of names) found.push(...batch.slice(0, most - found.length))
  return found
}

export type ExtractInto = {
  readonly tar: AsyncIterable<Buffer>
  /** tar's own arguments. */
  readonly extract: readonly string[]
  /** Paths in the tar, "./a/b", each of which becomes "b" in the folder; "." for all of it. */
  readonly tops: readonly Buffer[]
  readonly force: boolean
  /** The folder is new, and gets the attributes that the tar's root has. */
  readonly isNew: boolean
}

/** Returns what could not be kept. `conflict` when something came in the way meanwhile; what is not there yet then is not put there. */
export async function extractInto(tools: MountTools, { tar, extract, tops, force, isNew }: ExtractInto, signal: AbortSignal): Promise<readonly string[]> {
  const { stdout, stderr, exitCode } = await runScript(tools, 'mktemp -d ./.dray-extract-XXXXXXXX', [], signal)
  const stage = stdout.toString().trimEnd()
  if (exitCode !== 0 || stage === '') throw toolFailure(tools, 'write into', stderr, exitCode)
  try {
    const inStage: MountTools = { ...tools, directory: `${tools.directory}/${stage.slice(2)}` }
    const made = await runScript(inStage, 'mkdir tree', [], signal)
    if (made.exitCode !== 0) throw toolFailure(tools, 'write into', made.stderr, made.exitCode)
    const { problems } = await extractWith({ ...inStage, directory: `${inStage.directory}/tree`, fileName: undefined }, 'tar "$@"; code=$?; cat > /dev/null; exit $code', tar, signal, undefined, extract)
    await nameAll(tools, { stage, tops, force, isNew }, signal)
    return problems
  } finally {
    await runScript(tools, 'rm -rf -- "$1"', [stage], new AbortController().signal)
  }
}

/**
 * Files get further names by cp --link, which replaces one that is there by a rename. A file system without hard links has copies. The folder
 * that holds the names keeps its time, where it is new.
 */
const nameScript = `stage=$1 how=$2 isNew=$3 all=$4
top=$(pwd)
cd -- "$stage/tree" || exit 2
: > ../probe && if ln ../probe ../probe2 2>/dev/null; then link=--link; else link=; fi
case $how in force) over=--remove-destination ;; *) over= ;; esac
if [ "$how" != force ] && [ -z "$link" ]; then over=--no-clobber; fi
if [ "$all" = all ]; then
  find . -mindepth 1 -maxdepth 1 -exec cp -a $link $over -t "$top" -- {} + || exit 3
  if [ "$isNew" = new ]; then chown --reference=. -- "$top" 2>/dev/null; chmod --reference=. -- "$top"; fi
else
  xargs -0 -r cp -a $link $over -t "$top" -- || exit 3
fi
cd "$top" && rm -rf -- "$stage"
if [ "$all" = all ] && [ "$isNew" = new ]; then touch --no-create --date="$5" -- "$top"; fi`

async function nameAll(tools: MountTools, { stage, tops, force, isNew }: Pick<ExtractInto, 'tops' | 'force' | 'isNew'> & { readonly stage: string }, signal: AbortSignal): Promise<void> {
  const isAll = tops.some(top => top.length === 1)
  const { stdout } = await runScript(tools, 'stat -c %y -- "$1/tree"', [stage], signal)
  const child = await tools.start(inDirectory(tools, nameScript, [stage, force ? 'force' : 'keep', isNew ? 'new' : 'old', isAll ? 'all' : 'some', stdout.toString().trimEnd()]), signal)
  child.stdout.resume()
  child.stdin.on('error', () => undefined)
  child.stdin.end(isAll ? '' : Buffer.concat(tops.flatMap(top => [top, Buffer.from([0])])))
  const [words, { exitCode }] = await Promise.all([messagesOf(child.stderr), child.exited])
  signal.throwIfAborted()
  if (exitCode === 0) return
  const inTheWay = words.find(word => /File exists|cannot overwrite/.test(word))
  if (inTheWay !== undefined) throw new DrayError('conflict', `${tools.where} was changed while files were put there: ${inTheWay.replace(/^cp: /, '')}`, { hints: ['run the same command again'] })
  throw toolFailure(tools, 'write into', words, exitCode)
}
