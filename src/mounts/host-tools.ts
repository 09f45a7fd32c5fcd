import { posix } from 'node:path'
import type { HostShell } from '../engine/host-shell.ts'
import type { MountTarget } from './mount-access.ts'
import type { MountTools } from './mount-tools.ts'

/** The programs of the host itself, by a shell that sees the engine's files (see engine-files.ts for the proof). */
export function hostTools(shell: HostShell, target: MountTarget): MountTools {
  const path = target.kind === 'volume' ? target.mountpoint : target.path
  return {
    kind: 'host',
    where: `"${path}" on ${shell.where}`,
    directory: target.kind === 'file' ? posix.dirname(path) : path,
    fileName: target.kind === 'file' ? posix.basename(path) : undefined,
    losses: [],
    start: (argv, signal) => Promise.resolve().then(() => shell.start(argv, { signal })),
    close: () => Promise.resolve(),
  }
}
