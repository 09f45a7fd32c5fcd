import { posix } from 'node:path'
import type { Engine } from '../engine/engine.ts'
import type { HostShell } from '../engine/host-shell.ts'
import { messageOf } from '../errors/dray-error.ts'
import type { MountTarget } from './mount-access.ts'
import { labelsOf, temporaryName, type TemporaryScope } from './temporary-objects.ts'

/** Whether the shell of a connection sees the engine's files. `volumes` is where the engine keeps them, as seen by both. */
export type Sight = { readonly sees: true; readonly shell: HostShell; readonly volumes: string } | { readonly sees: false; readonly because: string; readonly denied?: boolean }

const sights = new WeakMap<Engine, Promise<Sight>>()

/**
 * Proves, once for each connection, that the shell sees the engine's volumes: a volume with a random name is made through the
 * API, its directory must appear there, and go when the volume is removed. A mount point is a path in the engine's mount
 * namespace, and the same path may be something else here (an engine in a container, Desktop, dray in a container).
 */
export function sightOf(scope: TemporaryScope, signal: AbortSignal): Promise<Sight> {
  const known = sights.get(scope.engine)
  if (known) return known
  const looking = look(scope, signal)
  sights.set(scope.engine, looking)
  looking.catch(() => sights.delete(scope.engine))
  return looking
}

async function look({ engine, run, journal }: TemporaryScope, signal: AbortSignal): Promise<Sight> {
  const { shell } = engine
  if (shell === undefined) return { sees: false, because: 'no shell reaches the engine\'s host' }
  if (engine.facts.rootless || engine.facts.userns) return { sees: false, because: 'the engine runs in a user namespace, where owners have other numbers' }
  const programs = await shell.run(['sh', '-c', 'id -u; LC_ALL=C tar --version; LC_ALL=C find --version'], { signal })
  const [uid, ...versions] = programs.stdout.toString().split('\n')
  if (uid !== '0') return { sees: false, because: `the user on ${shell.where} is not root`, denied: true }
  const missing = missingPrograms(versions.join('\n'))
  if (missing !== undefined) return { sees: false, because: `${missing} is missing on ${shell.where}` }

  const name = temporaryName(run, 'proof')
  await journal?.({ kind: 'volume', name })
  let mountpoint: string
  let appeared: boolean
  try {
    ;({ Mountpoint: mountpoint } = await engine.volumes.create({ Name: name, Labels: labelsOf(run) }, { signal }))
    appeared = await isDirectory(shell, mountpoint, signal)
  } finally {
    await engine.volumes.remove(name, { force: true })
  }
  if (!appeared || (await isDirectory(shell, mountpoint, signal))) return { sees: false, because: `${shell.where} does not see the engine's files` }
  return { sees: true, shell, volumes: posix.dirname(posix.dirname(mountpoint)) }
}

/** The first of the needed programs that the texts of `tar --version` and `find --version` do not show. */
export function missingPrograms(versions: string): string | undefined {
  return !versions.includes('(GNU tar)') ? 'GNU tar' : !versions.includes('(GNU findutils)') ? 'GNU find' : undefined
}

async function isDirectory(shell: HostShell, path: string, signal: AbortSignal): Promise<boolean> {
  return (await shell.run(['test', '-d', path], { signal })).exitCode === 0
}

/**
 * Why a volume cannot be read at its mount point, or undefined when it can. A volume with options, or of another driver, is
 * mounted there only as long as a container uses it: it could go while it is read, and leave an empty directory.
 */
export async function whyNotThere(engine: Engine, { volumes }: { readonly volumes: string }, target: MountTarget & { kind: 'volume' }, signal: AbortSignal): Promise<string | undefined> {
  const { Driver, Options, Mountpoint } = await engine.volumes.inspect(target.name, { signal })
  if (Driver !== 'local') return `volume "${target.name}" belongs to the driver "${Driver}"`
  if (Object.keys(Options ?? {}).length > 0) return `volume "${target.name}" is mounted only while a container uses it`
  if (Mountpoint !== target.mountpoint || posix.dirname(posix.dirname(Mountpoint)) !== volumes) return `volume "${target.name}" does not lie with the engine's other volumes`
  return undefined
}

/** Device and inode of what a path names for the shell, or why they cannot be told. */
export async function identityOn(shell: HostShell, path: string, signal: AbortSignal): Promise<{ readonly identity: string } | { readonly because: string }> {
  try {
    const { exitCode, stdout } = await shell.run(['stat', '-L', '-c', '%d:%i', '--', path], { signal })
    return exitCode === 0 ? { identity: stdout.toString().trim() } : { because: `"${path}" does not exist on ${shell.where}` }
  } catch (thrown) {
    signal.throwIfAborted()
    return { because: messageOf(thrown) }
  }
}

/** The connection's shell if it is proved to see the engine's own files. */
export async function shellThatSees(scope: TemporaryScope, signal: AbortSignal): Promise<HostShell | undefined> {
  const sight = await sightOf(scope, signal)
  return sight.sees ? sight.shell : undefined
}
