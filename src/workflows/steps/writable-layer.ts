import type { ContainerInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import type { HostShell } from '../../engine/host-shell.ts'
import { shellThatSees } from '../../mounts/engine-files.ts'
import type { Journal } from '../../mounts/temporary-objects.ts'

/** Looks at the writable layer's directory on the engine's host, so that one that is unchanged is not committed again every night. */
export type WritableLayer = {
  /**
   * Whether nothing is in it but what stands at these paths, as the container sees them. An engine that is asked for changes does not
   * tell of directories of which nothing but time or attributes have changed.
   */
  isEmpty(besides: readonly string[], signal: AbortSignal): Promise<boolean>
  /**
   * A digest of names, kinds, modes, owners, sizes, times and inodes of everything in it. Undefined when something was modified
   * since it was opened: then its times prove nothing (see unchanged.ts).
   */
  fingerprint(signal: AbortSignal): Promise<string | undefined>
}

export type WritableLayerOptions = { readonly engine: Engine; readonly container: ContainerInspect; readonly run: string; readonly journal: Journal; readonly signal: AbortSignal }

/** Dirty pages are written back now. Undefined where the directory cannot be seen: other drivers, other machines. */
export async function openWritableLayer({ engine, container, run, journal, signal }: WritableLayerOptions): Promise<WritableLayer | undefined> {
  const directory = container.GraphDriver?.Name === 'overlay2' ? container.GraphDriver.Data?.['UpperDir'] : undefined
  if (directory?.startsWith(`${engine.facts.rootDir}/`) !== true) return undefined
  const shell = await shellThatSees({ engine, run, journal }, signal)
  if (shell === undefined) return undefined
  const clock = await output(shell, 'cd "$1" && date +%s.%N && sync -f .', [directory], signal)
  if (clock === undefined) return undefined
  return {
    isEmpty: (besides, now) => isEmpty(shell, directory, besides, now),
    fingerprint: now => fingerprint(shell, directory, clock, now),
  }
}

/** Of the paths beside which it is asked the directories above are listed too; those come with what is in them or not at all. */
async function isEmpty(shell: HostShell, directory: string, besides: readonly string[], signal: AbortSignal): Promise<boolean> {
  const listed = await output(shell, 'cd "$1" && find . -mindepth 1 -printf "%P\\0" | head -c 65536', [directory], signal)
  return listed?.split('\0').every(path => path === '' || besides.includes(`/${path}`)) === true
}

/** 50 ms: the kernel's coarse clock stamps a few milliseconds late. */
const script = `cd "$1" && if [ -n "$(find . \\( -newermt "@$2" -o -newerct "@$2" \\) -print -quit)" ]; then echo changing; else find . -printf '%p\\t%y %m %U %G %s %T@ %C@ %i %l\\0' | LC_ALL=C sort -z | sha256sum; fi`

async function fingerprint(shell: HostShell, directory: string, clock: string, signal: AbortSignal): Promise<string | undefined> {
  const since = (Number(clock) - 0.05).toFixed(3)
  return /^[0-9a-f]{64}/.exec((await output(shell, script, [directory, since], signal)) ?? '')?.[0]
}

async function output(shell: HostShell, text: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  const { exitCode, stdout } = await shell.run(['sh', '-c', text, 'sh', ...args], { signal })
  return exitCode === 0 ? stdout.toString().trim() : undefined
}
