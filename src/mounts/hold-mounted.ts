import type { VolumeInspect } from '../engine/api-types.ts'
import { engineMount } from './engine-mount.ts'
import { bodyFor, createWithProgramsOf, mountedAt } from './helper-tools.ts'
import { importScratchImage, type TemporaryScope } from './temporary-objects.ts'

/** Whether what a volume holds is gone as soon as no container has it mounted. */
export function isMemory({ driver, options }: { readonly driver: string | undefined; readonly options: VolumeInspect['Options'] | undefined }): boolean {
  return driver === 'local' && ['tmpfs', 'ramfs'].includes(options?.['type'] ?? '')
}

/**
 * Keeps a volume mounted by a container that waits, until somebody removes that: the journal knows it, and its image. Throws
 * when the engine's host has no programs that a container could wait with.
 */
export async function holdMounted(scope: TemporaryScope, volume: VolumeInspect, signal: AbortSignal): Promise<void> {
  const image = await importScratchImage(scope, signal)
  const target = { kind: 'volume', name: volume.Name, mountpoint: volume.Mountpoint, driver: volume.Driver } as const
  const name = await createWithProgramsOf(scope, bodyFor(image, engineMount(target, mountedAt, true), 'read', ['sleep', 'infinity']), signal)
  await scope.engine.containers.start(name, { signal })
}
