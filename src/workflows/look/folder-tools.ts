/** The programs that write into a folder that was named: of this machine, or in a mount of a container. */
import { mkdir, realpath, rm, stat } from 'node:fs/promises'
import { dirname, posix } from 'node:path'
import type { Engine } from '../../engine/engine.ts'
import { localShell } from '../../engine/local-shell.ts'
import { nameOf } from '../../engine/spec/spec-record.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../../errors/system-error.ts'
import { hostTools } from '../../mounts/host-tools.ts'
import type { MountTarget } from '../../mounts/mount-access.ts'
import { runScript, type MountTools } from '../../mounts/mount-tools.ts'
import { openMountTools } from '../../mounts/open-mount.ts'
import { extractArguments, extractArgumentsOfUser } from '../../mounts/tar-arguments.ts'
import type { Run, TemporaryJournal } from '../run.ts'
import { volumeTarget } from '../steps/write-mount.ts'

export type FolderTools = AsyncDisposable & { readonly tools: MountTools; readonly extract: readonly string[]; readonly isNew: boolean; /** Takes a folder away that was made for nothing. */ readonly undo: () => Promise<void> }

/** A folder of this machine, made if it is not there. */
export async function localFolder(path: string, env: NodeJS.ProcessEnv): Promise<FolderTools> {
  const made = await makeFolders(path)
  const folder = await realpath(path)
  const { shell, close } = localShell(env)
  const tools = { ...hostTools(shell, { kind: 'directory', path: folder }), where: `"${path}"` }
  return {
    tools,
    extract: process.getuid?.() === 0 ? extractArguments : extractArgumentsOfUser,
    isNew: made !== undefined,
    undo: async () => {
      if (made !== undefined) await rm(made, { recursive: true, force: true })
    },
    [Symbol.asyncDispose]: close,
  }
}

/** The topmost of the folders that had to be made. */
async function makeFolders(path: string): Promise<string | undefined> {
  try {
    const made = await mkdir(path, { recursive: true })
    if (!(await stat(path)).isDirectory()) throw new DrayError('conflict', `"${path}" is not a folder`)
    return made === undefined ? undefined : await realpath(made)
  } catch (thrown) {
    if (errnoOf(thrown) === 'EEXIST' || errnoOf(thrown) === 'ENOTDIR') throw new DrayError('conflict', `"${path}" is not a folder, or lies below a file`, { cause: thrown, hints: ['name a folder with --output'] })
    throw fromSystemError(thrown, 'cannot make the folder', path)
  }
}

export type ContainerFolderJob = { readonly run: Run; readonly engine: Engine; readonly container: string; readonly path: string; readonly temporary: TemporaryJournal }

/** A folder in a volume or bind mount of a container, which must exist. `usage` for what no mount holds. */
export async function containerFolder({ run, engine, container, path, temporary }: ContainerFolderJob): Promise<FolderTools> {
  const { signal } = run
  const inspect = await engine.containers.inspect(container, { signal })
  const wanted = posix.normalize(path)
  const holding = inspect.Mounts.filter(({ Destination }) => wanted === Destination || wanted.startsWith(Destination === '/' ? '/' : `${Destination}/`))
  const mount = holding.sort((a, b) => b.Destination.length - a.Destination.length)[0]
  if (mount === undefined || (mount.Type !== 'volume' && mount.Type !== 'bind')) throw noMount(nameOf(inspect), wanted, inspect.Mounts.map(({ Destination }) => Destination))
  const target: MountTarget = mount.Type === 'volume' ? await volumeTarget(engine, mount.Name ?? '', signal) : { kind: 'directory', path: mount.Source }
  const tools = await openMountTools({ engine, target, reader: 'auto', run: run.id, journal: temporary, signal })
  const inside = posix.relative(mount.Destination, wanted).replace(/^$/, '.')
  const { stdout, exitCode } = await runScript(tools, 'root=$(pwd -P) && cd -- "$1" 2>/dev/null && here=$(pwd -P) && case "$here/" in "$root/"*) printf "%s/x" "$here" ;; *) exit 9 ;; esac', [inside], signal)
  if (exitCode !== 0) {
    await tools.close()
    throw exitCode === 9 ? new DrayError('conflict', `"${wanted}" leads out of the mount at ${mount.Destination} by a symbolic link`, { hints: ['name the folder that it leads to'] }) : new DrayError('not-found', `container "${nameOf(inspect)}" has no folder "${wanted}"`, { hints: [`make it, or name ${mount.Destination}`] })
  }
  return {
    tools: { ...tools, directory: dirname(stdout.toString()), where: `"${wanted}" of container "${nameOf(inspect)}"` },
    extract: extractArguments,
    isNew: false,
    undo: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => tools.close(),
  }
}

function noMount(container: string, path: string, mounts: readonly string[]): DrayError {
  return new DrayError('usage', `"${path}" lies in no volume and no bind mount of container "${container}"`, { hints: [mounts.length === 0 ? 'it has none' : `it has: ${mounts.join(', ')}`, `into its own files: dray extract … -o - | docker cp - ${container}:${path}`] })
}
