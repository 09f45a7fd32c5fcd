import type { ContainerInspect } from '../../engine/api-types.ts'
import type { ContainerSummary, Engine } from '../../engine/engine.ts'

/** Containers of the user that run, paused ones too, inspected; but for one. */
export async function inspectRunning(engine: Engine, filters: Record<string, string[]>, except: string | undefined, signal: AbortSignal): Promise<ContainerInspect[]> {
  const running = await engine.containers.list({ ...filters, status: ['running', 'paused', 'restarting'] }, { signal })
  return await Promise.all(running.filter(each => each.Id !== except && !isTemporaryContainer(each)).map(({ Id }) => engine.containers.inspect(Id, { signal })))
}

/** Of dray's own, made for the moment. */
export function isTemporaryContainer({ Labels }: ContainerSummary): boolean {
  return Labels?.['dev.drayage.temporary'] === 'true'
}

export function nameOfSummary({ Names, Id }: ContainerSummary): string {
  return (Names[0] ?? Id).replace(/^\//, '')
}
