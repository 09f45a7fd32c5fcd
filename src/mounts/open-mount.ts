import type { Engine } from '../engine/engine.ts'
import { DrayError, messageOf } from '../errors/dray-error.ts'
import { apiReader } from './api-reader.ts'
import { apiWriter } from './api-writer.ts'
import { describeTarget } from './engine-mount.ts'
import { identityOn, missingPrograms, sightOf, whyNotThere } from './engine-files.ts'
import { helperTools } from './helper-tools.ts'
import { hostTools } from './host-tools.ts'
import type { MountReader, MountTarget, MountWriter, ReaderKind } from './mount-access.ts'
import { runScript, type MountTools } from './mount-tools.ts'
import type { Journal, TemporaryScope } from './temporary-objects.ts'
import { toolReader, type ToolReader } from './tool-reader.ts'
import { toolWriter } from './tool-writer.ts'

export type OpenMountOptions = {
  readonly engine: Engine
  readonly target: MountTarget
  /** `auto` tries host, helper and api, in this order; a forced way that is not possible is an error. */
  readonly reader: 'auto' | ReaderKind
  /** The run's id: for the labels and names of what is made on the engine. */
  readonly run: string
  /** Called before an object is made on the engine. All of them are gone when the reader or writer is closed. */
  readonly journal?: Journal
  readonly signal: AbortSignal
}

/** Why this way was taken, in words for the user. */
export type Chosen = { readonly chosenBecause: string }

/** Opens the best way to read a mount. `nested`, of host and helper, names the mounts inside it that were not crossed. */
export async function openMountReader(options: OpenMountOptions): Promise<(MountReader | ToolReader) & Chosen> {
  return openMount(options, 'read', toolReader, apiReader)
}

/** Opens the best way to write a mount, which must exist. */
export async function openMountWriter(options: OpenMountOptions): Promise<MountWriter & Chosen> {
  return openMount(options, 'write', toolWriter, apiWriter)
}

type Access = 'read' | 'write'
type Way = { readonly tools: MountTools } | { readonly because: string; readonly denied?: boolean }

async function openMount<T extends object>({ engine, target, reader, run, journal, signal }: OpenMountOptions, access: Access, withTools: (tools: MountTools) => T, withApi: (scope: TemporaryScope, target: MountTarget, signal: AbortSignal) => Promise<T>): Promise<T & Chosen> {
  const scope: TemporaryScope = { engine, run, journal }
  signal.throwIfAborted()
  if (reader === 'api') return { ...(await withApi(scope, target, signal)), chosenBecause: 'asked for' }
  await using helper = new LazyHelper(scope, target, access, signal)

  const host = reader === 'helper' ? { because: '' } : await tryHost(scope, target, helper, signal)
  if ('tools' in host) return { ...withTools(host.tools), chosenBecause: reader === 'host' ? 'asked for' : `${host.tools.where} holds the engine's own files` }
  if (reader === 'host') throw notPossible(target, 'host', host)

  const way = await helper.open()
  if ('tools' in way) {
    helper.keep()
    return { ...withTools(way.tools), chosenBecause: reader === 'helper' ? 'asked for' : `not host: ${host.because}` }
  }
  if (reader === 'helper') throw notPossible(target, 'helper', way)
  return { ...(await withApi(scope, target, signal)), chosenBecause: `not host: ${host.because}; not helper: ${way.because}` }
}

function notPossible(target: MountTarget, kind: ReaderKind, { because, denied = false }: { readonly because: string; readonly denied?: boolean }): DrayError {
  return new DrayError(denied ? 'unauthorized' : 'refused', `reader "${kind}" is not possible for ${describeTarget(target)}: ${because}`, { hints: [denied ? 'run as root, or leave out --reader' : 'leave out --reader, to take the best way that is possible'] })
}

/** A bind's source must be the same device and inode here as in a container that has it mounted. */
async function tryHost(scope: TemporaryScope, target: MountTarget, helper: LazyHelper, signal: AbortSignal): Promise<Way> {
  const { engine } = scope
  const sight = await sightOf(scope, signal)
  if (!sight.sees) return sight
  const tools = hostTools(sight.shell, target)
  if (target.kind === 'volume') {
    const because = await whyNotThere(engine, sight, target, signal)
    return because === undefined ? { tools } : { because }
  }
  const here = await identityOn(sight.shell, tools.directory, signal)
  if ('because' in here) return here
  const proven = provenBinds.get(engine) ?? new Set()
  const key = `${here.identity} ${tools.directory}`
  if (!proven.has(key)) {
    const seen = await helper.identity()
    if ('because' in seen) return { because: `the engine's view of ${describeTarget(target)} is not known: ${seen.because}` }
    if (seen.identity !== here.identity) return { because: `${describeTarget(target)} is not the same on ${sight.shell.where} as for the engine` }
    provenBinds.set(engine, proven.add(key))
  }
  return { tools }
}

/** Device, inode and path of the directories that were proved to be the engine's. */
const provenBinds = new WeakMap<Engine, Set<string>>()

type Probe = { readonly tools: MountTools; readonly identity: string }

/** The helper's tools, made when they are first wanted, tried out, and closed unless they are kept. */
class LazyHelper implements AsyncDisposable {
  readonly #make: () => Promise<MountTools>
  readonly #signal: AbortSignal
  #tools: MountTools | undefined
  #probed: Promise<Probe | { readonly because: string }> | undefined
  #kept = false

  constructor(scope: TemporaryScope, target: MountTarget, access: Access, signal: AbortSignal) {
    this.#make = () => helperTools(scope, target, access, signal)
    this.#signal = signal
  }

  open(): Promise<Probe | { readonly because: string }> {
    return (this.#probed ??= this.#probe())
  }

  identity(): Promise<{ readonly identity: string } | { readonly because: string }> {
    return this.open()
  }

  keep(): void {
    this.#kept = true
  }

  async #probe(): Promise<Probe | { readonly because: string }> {
    try {
      this.#tools = await this.#make()
      const { stdout, stderr, exitCode } = await runScript(this.#tools, 'stat -L -c %d:%i . && tar --version && find --version', [], this.#signal)
      const [identity = '', ...versions] = stdout.toString().split('\n')
      const missing = missingPrograms(versions.join('\n'))
      if (exitCode === 0 && missing === undefined) return { tools: this.#tools, identity }
      return { because: stderr[0] ?? `${missing ?? 'a program'} is missing on the engine's host` }
    } catch (thrown) {
      this.#signal.throwIfAborted()
      if (!(thrown instanceof DrayError) || thrown.code === 'engine-unreachable' || thrown.code === 'unauthorized') throw thrown
      return { because: messageOf(thrown) }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#kept) await this.#tools?.close()
  }
}

/** The programs beside a mount, for work that is neither reading nor writing its data. The api way has none: `refused`. */
export async function openMountTools(options: OpenMountOptions): Promise<MountTools> {
  const found = await findMountTools(options)
  if ('tools' in found) return found.tools
  throw new DrayError('refused', `nothing can be changed at ${describeTarget(options.target)}: ${found.because}`, { hints: ['make or remove the path by hand and run the same command again'] })
}

/** The same, or why there are none. */
export async function findMountTools(options: OpenMountOptions): Promise<{ readonly tools: MountTools } | { readonly because: string }> {
  const { chosenBecause, ...found } = await openMount<{ readonly tools?: MountTools }>(options, 'write', tools => ({ tools }), () => Promise.resolve({}))
  return found.tools === undefined ? { because: chosenBecause } : { tools: found.tools }
}
