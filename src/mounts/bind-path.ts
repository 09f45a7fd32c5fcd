import { posix } from 'node:path'
import type { Engine } from '../engine/engine.ts'
import { DrayError } from '../errors/dray-error.ts'
import { kindOfBind } from './bind-kind.ts'
import { runScript, toolFailure, type MountTools } from './mount-tools.ts'
import { openMountTools } from './open-mount.ts'
import type { Journal } from './temporary-objects.ts'

export type BindPathOptions = { readonly engine: Engine; readonly path: string; readonly run: string; readonly journal?: Journal; readonly signal: AbortSignal }

/** The topmost folder that has to be made so that `path` exists; undefined when it is there. */
export async function firstMissing(options: BindPathOptions): Promise<string | undefined> {
  let missing: string | undefined
  for (let path = posix.normalize(options.path).replace(/(.)\/+$/, '$1'); path !== '/' && (await kindOfBind({ ...options, path })) === 'missing'; path = posix.dirname(path)) missing = path
  return missing
}

/** Makes a folder of the engine's host with those above it, mode 0755, owner root. */
export async function makeBindFolder(options: BindPathOptions): Promise<void> {
  const missing = await firstMissing(options)
  if (missing === undefined) return
  await inFolder(options, posix.dirname(missing), 'make', 'mkdir -p -- "./$1"', posix.relative(posix.dirname(missing), options.path))
}

/** Where the file system knows no birth time, stat says 0. */
const removeScript = 'if [ "$(stat -c %W -- "./$1")" -gt "$2" ]; then echo "it was made later, by somebody else"; exit 9; fi >&2; rm -rf --one-file-system -- "./$1"'

/**
 * Removes what a run made: a file, or a folder with what lies in it on the same file system. Missing is success; what was born
 * after `bornBefore` was made by somebody else, and stays.
 */
export async function removeBindPath(options: BindPathOptions & { readonly bornBefore: Date }): Promise<void> {
  if ((await kindOfBind(options)) === 'missing') return
  await inFolder(options, posix.dirname(options.path), 'remove', removeScript, posix.basename(options.path), String(Math.ceil(options.bornBefore.getTime() / 1000)))
}

async function inFolder({ engine, path, run, journal, signal }: BindPathOptions, folder: string, doing: string, script: string, name: string, ...more: readonly string[]): Promise<void> {
  if (name === '' || name.startsWith('..')) throw new DrayError('usage', `"${path}" cannot be the source of a bind mount`)
  const tools: MountTools = await openMountTools({ engine, target: { kind: 'directory', path: folder }, reader: 'auto', run, ...(journal === undefined ? {} : { journal }), signal })
  try {
    const { stderr, exitCode } = await runScript(tools, script, [name, ...more], signal)
    if (exitCode !== 0) throw toolFailure(tools, `${doing} "${path}": in`, stderr, exitCode)
  } finally {
    await tools.close()
  }
}
