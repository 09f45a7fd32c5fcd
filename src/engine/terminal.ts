import type { ApiClient } from './api-client.ts'
import type { ContainerInspect } from './api-types.ts'
import type { CallOptions } from './engine.ts'
import { encodeName, plainVerb } from './plain-verbs.ts'

/** Whether the container's streams are one raw stream. The content type says so only since API 1.42, hence by inspection. */
export async function hasTerminal(client: ApiClient, id: string, options?: CallOptions): Promise<boolean> {
  const { Config } = (await plainVerb(client, 'quick', `inspecting container "${id}"`, options?.signal, async docker => docker.getContainer(encodeName(id)).inspect())) as ContainerInspect
  return Config['Tty'] === true
}
