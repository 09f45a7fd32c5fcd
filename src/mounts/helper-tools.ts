import { posix } from 'node:path'
import type { AttachedStreams, Engine } from '../engine/engine.ts'
import type { HostProcess } from '../engine/host-shell.ts'
import { onAbort } from '../engine/on-abort.ts'
import { quoteForShell } from '../engine/shell-quote.ts'
import { DrayError } from '../errors/dray-error.ts'
import { bindMount, describeTarget, engineMount, type EngineMount } from './engine-mount.ts'
import type { MountTarget } from './mount-access.ts'
import type { MountTools } from './mount-tools.ts'
import { createTemporaryContainer, importScratchImage, removeContainer, type TemporaryScope } from './temporary-objects.ts'

export const mountedAt = '/mnt'

/** SYS_ADMIN is what the kernel wants for trusted.* attributes, which an overlay file system inside a volume has. */
const readCapabilities = ['DAC_READ_SEARCH', 'SYS_ADMIN']
const writeCapabilities = [...readCapabilities, 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'MKNOD', 'SETFCAP']

/**
 * The programs of the engine's host in throw-away containers, one for each program: an empty image, the host's own
 * /usr, /lib, /lib64 and /bin read-only, no network, no log. Every container is removed when its program has ended, the image
 * and the containers that were prepared and not used by close().
 */
export async function helperTools(scope: TemporaryScope, target: MountTarget, access: 'read' | 'write', signal: AbortSignal, mount: EngineMount = engineMount(target, mountedAt, access === 'read')): Promise<MountTools> {
  const { engine } = scope
  const image = await importScratchImage(scope, signal)
  const running = new Set<Promise<unknown>>()
  const prepared: { readonly shell: HostProcess; readonly own: AbortController }[] = []
  const ending = new AbortController()
  const remapped = engine.facts.rootless || engine.facts.userns
  return {
    kind: 'helper',
    where: `${describeTarget(target)} of the engine at "${engine.address}"`,
    directory: mountedAt,
    fileName: target.kind === 'file' ? posix.basename(target.path) : undefined,
    losses: remapped ? ['extended attributes of the trusted namespace, and device nodes on writing: the engine runs in a user namespace'] : [],
    async start(argv, outer) {
      const ready = prepared.shift()
      if (ready === undefined) return await begin(argv, outer)
      const forget = onAbort(outer, () => ready.own.abort(outer.reason))
      void ready.shell.exited.finally(forget)
      ready.shell.stdin.write(toWaitingShell(argv))
      return ready.shell
    },
    async prepare(programs, outer) {
      await Promise.all(Array.from({ length: programs }, async () => {
        const own = new AbortController()
        const waiting = { own, shell: await begin(['sh', '-c', waitingShell], AbortSignal.any([outer, own.signal])) }
        prepared.push(waiting)
        void waiting.shell.exited.finally(() => {
          if (prepared.includes(waiting)) prepared.splice(prepared.indexOf(waiting), 1)
        })
      }))
    },
    async close() {
      ending.abort(new DrayError('interrupted', 'the helper was closed'))
      await Promise.all(running)
      await engine.images.remove(image, { force: true })
    },
  }

  async function begin(argv: readonly string[], outer: AbortSignal): Promise<HostProcess> {
    const started = await startContainer(scope, bodyFor(image, mount, access, argv), engine, AbortSignal.any([outer, ending.signal]))
    running.add(started.exited)
    void started.exited.finally(() => running.delete(started.exited))
    return started
  }
}

/** Runs one of the engine's host's programs in the engine's own network; its output, or undefined where that is not possible. */
export async function runInHostNetwork(scope: TemporaryScope, argv: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  const { engine } = scope
  const image = await importScratchImage(scope, signal)
  try {
    const child = await startContainer(scope, directories => {
      const { HostConfig, ...body } = bodyFor(image, undefined, 'read', argv)(directories)
      return { ...body, NetworkDisabled: false, HostConfig: { ...HostConfig as object, NetworkMode: 'host', CapAdd: [] } }
    }, engine, signal)
    child.stdin.end()
    const [output, , { exitCode }] = await Promise.all([child.stdout.toArray() as Promise<Buffer[]>, child.stderr.toArray(), child.exited])
    return exitCode === 0 ? Buffer.concat(output).toString() : undefined
  } catch (thrown) {
    signal.throwIfAborted()
    if (!(thrown instanceof DrayError) || thrown.code === 'engine-unreachable' || thrown.code === 'unauthorized') throw thrown
    return undefined
  } finally {
    await engine.images.remove(image, { force: true })
  }
}

/** Its input begins with the length in bytes of what it shall run, a line of its own, and that; the rest is the program's input. */
const waitingShell = 'IFS= read -r length && eval "$(head -c "$length")"'

function toWaitingShell(argv: readonly string[]): string {
  const script = `exec ${argv.map(quoteForShell).join(' ')}`
  return `${Buffer.byteLength(script)}\n${script}`
}

/** Directories of the host that hold its programs: a host without one of them, learnt by trying, is remembered. */
const programDirectories = new WeakMap<Engine, string[]>()

/** For createWithProgramsOf(): a program of the host beside the mount. */
export function bodyFor(image: string, mount: EngineMount | undefined, access: 'read' | 'write', argv: readonly string[]) {
  return (directories: readonly string[]): Record<string, unknown> => ({
    Image: image,
    Cmd: argv,
    User: '0:0',
    WorkingDir: '/',
    Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C', 'TMPDIR=/tmp'],
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    HostConfig: {
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      CapAdd: access === 'read' ? readCapabilities : writeCapabilities,
      SecurityOpt: ['no-new-privileges', 'label=disable'],
      LogConfig: { Type: 'none', Config: {} },
      Tmpfs: { '/tmp': 'rw,nosuid,nodev,noexec' },
      Mounts: [...directories.map(path => bindMount(path, path, true)), ...(mount === undefined ? [] : [mount])],
    },
  })
}

async function startContainer(scope: TemporaryScope, body: (directories: readonly string[]) => Record<string, unknown>, engine: Engine, signal: AbortSignal): Promise<HostProcess> {
  const name = await createWithProgramsOf(scope, body, signal)
  let streams: AttachedStreams | undefined
  try {
    streams = await engine.containers.attach(name, { stdin: true, stdout: true, stderr: true }, { signal })
    await engine.containers.start(name, { signal })
    return { stdin: streams.stdin, stdout: streams.stdout, stderr: streams.stderr, exited: endOf(engine, name, streams, signal) }
  } catch (thrown) {
    streams?.close()
    await removeContainer(engine, name)
    throw thrown
  }
}

/** Its exit code, or none when it was killed; the container is gone then. */
async function endOf(engine: Engine, name: string, streams: AttachedStreams, signal: AbortSignal): Promise<{ exitCode: number | null; signalName: null }> {
  try {
    const exitCode = await engine.containers.wait(name, 'not-running', { signal })
    return { exitCode, signalName: null }
  } catch {
    streams.close()
    return { exitCode: null, signalName: null }
  } finally {
    await removeContainer(engine, name).catch(() => undefined)
  }
}

/** Creates the container; directories that the host does not have are left out. */
export async function createWithProgramsOf(scope: TemporaryScope, body: (directories: readonly string[]) => Record<string, unknown>, signal: AbortSignal): Promise<string> {
  for (;;) {
    const directories = programDirectories.get(scope.engine) ?? ['/usr', '/lib', '/lib64', '/bin']
    try {
      return await createTemporaryContainer(scope, 'helper', body(directories), signal)
    } catch (thrown) {
      const missing = directories.find(path => thrown instanceof DrayError && new RegExp(`bind source path does not exist: (?:/host_mnt)?${path}$`, 'm').test(thrown.message))
      if (missing === undefined || missing === '/usr') throw thrown
      programDirectories.set(scope.engine, directories.filter(path => path !== missing))
    }
  }
}
