import { posix } from 'node:path'
import { Readable } from 'node:stream'
import { foldersArchive } from '../archive/pax-header.ts'
import type { Engine } from '../engine/engine.ts'
import { DrayError } from '../errors/dray-error.ts'
import { kindOfBind } from './bind-kind.ts'
import { runScript, toolFailure, type MountTools } from './mount-tools.ts'
import { findMountTools, openMountWriter, type OpenMountOptions } from './open-mount.ts'
import type { Journal } from './temporary-objects.ts'

export type BindPathOptions = { readonly engine: Engine; readonly path: string; readonly run: string; readonly journal?: Journal; readonly signal: AbortSignal }

/** The topmost folder that has to be made so that `path` exists; undefined when it is there. */
export async function firstMissing(options: BindPathOptions): Promise<string | undefined> {
  let missing: string | undefined
  for (let path = posix.normalize(options.path).replace(/(.)\/+$/, '$1'); path !== '/' && (await kindOfBind({ ...options, path })) === 'missing'; path = posix.dirname(path)) missing = path
  return missing
}

/** Makes a folder of the engine's host with those above it, mode 0755, owner root. Where no program can, the engine does. */
export async function makeBindFolder(options: BindPathOptions): Promise<void> {
  const missing = await firstMissing(options)
  if (missing === undefined) return
  const parent = posix.dirname(missing)
  const name = posix.relative(parent, options.path)
  const found = await findMountTools(inParent(options, parent))
  if ('tools' in found) {
    await runIn(found.tools, options, 'make', 'umask 022; mkdir -p -- "./$1"', [name])
    return
  }
  await using writer = await openMountWriter({ ...inParent(options, parent), reader: 'api' })
  const steps = name.split('/')
  await writer.write(Readable.from([foldersArchive(steps.map((_step, at) => `./${steps.slice(0, at + 1).join('/')}`), new Date())]), options.signal)
}

/** Why a folder that is missing could not be made; undefined when nothing is known that stands in the way. */
export async function whyNotMade(options: BindPathOptions): Promise<string | undefined> {
  const missing = await firstMissing(options)
  if (missing === undefined) return undefined
  const parent = posix.dirname(missing)
  const kind = parent === '/' ? 'directory' : await kindOfBind({ ...options, path: parent })
  if (kind !== 'directory') return `"${parent}" is a ${kind}`
  const found = await findMountTools(inParent(options, parent))
  if (!('tools' in found)) return undefined
  try {
    const { exitCode } = await runScript(found.tools, 'test -w .', [], options.signal)
    return exitCode === 0 ? undefined : `"${parent}" is read-only, or not root's to change`
  } finally {
    await found.tools.close()
  }
}

/** Where the file system knows no birth time, stat says 0. */
const removeScript = `if [ "$(stat -c %W -- "./$1")" -gt "$2" ]; then echo "it was made later, by somebody else"; exit 9; fi >&2
path=$3; rm -rf --one-file-system -- "./$path" || exit 2
while [ "$path" != "\${path%/*}" ]; do
  path=\${path%/*}
  if [ -e "./$path" ]; then rmdir --ignore-fail-on-non-empty -- "./$path" || exit 2; fi
done`

/**
 * Removes what a run made: a file, or a folder with what lies in it on the same file system, and the folders above it up to `top`
 * that are empty then. Missing is success; what was born after `bornBefore` was made by somebody else, and stays.
 */
export async function removeBindPath(options: BindPathOptions & { readonly top: string; readonly bornBefore: Date }): Promise<void> {
  const { top, path, bornBefore, signal } = options
  if ((await kindOfBind({ ...options, path: top })) === 'missing') return
  const parent = posix.dirname(top)
  const found = await findMountTools(inParent(options, parent))
  if (!('tools' in found)) throw new DrayError('refused', `"${top}" cannot be removed: ${found.because}`, { hints: ['remove it by hand, and run: dray clean'] })
  await runIn(found.tools, { path: top, signal }, 'remove', removeScript, [posix.basename(top), String(Math.ceil(bornBefore.getTime() / 1000)), posix.relative(parent, path)])
}

function inParent({ engine, run, journal, signal }: BindPathOptions, parent: string): OpenMountOptions {
  return { engine, target: { kind: 'directory', path: parent }, reader: 'auto', run, ...(journal === undefined ? {} : { journal }), signal }
}

async function runIn(tools: MountTools, { path, signal }: Pick<BindPathOptions, 'path' | 'signal'>, doing: string, script: string, args: readonly string[]): Promise<void> {
  try {
    const { stderr, exitCode } = await runScript(tools, script, args, signal)
    if (exitCode !== 0) throw toolFailure(tools, `${doing} "${path}": in`, stderr, exitCode)
  } finally {
    await tools.close()
  }
}
