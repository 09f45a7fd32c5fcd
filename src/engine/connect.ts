import { ApiClient } from './api-client.ts'
import { containerVerbs } from './container-verbs.ts'
import type { Engine } from './engine.ts'
import { readEngineClock } from './engine-clock.ts'
import { EngineAgent, dialTcp, dialTls, dialUnix, type Dial } from './engine-agent.ts'
import { negotiate } from './engine-facts.ts'
import { whyNoConnection } from './why-no-connection.ts'
import { engineEvents } from './event-stream.ts'
import type { HostShell } from './host-shell.ts'
import { imageVerbs } from './image-verbs.ts'
import { localShell } from './local-shell.ts'
import { networkVerbs } from './network-verbs.ts'
import { resolveEndpoint, type ResolvedEndpoint } from './resolve-endpoint.ts'
import { openSsh } from './ssh-connection.ts'
import { volumeVerbs } from './volume-verbs.ts'

export type ConnectOptions = {
  /** The value of -H: an address, or the name of a docker context. Without it docker's own order counts. */
  readonly host?: string
  /** Who named the host, for messages: `-H` unless told. */
  readonly from?: string
  readonly env: NodeJS.ProcessEnv
  readonly signal?: AbortSignal
  /** For a slow link: what goes through ssh is compressed by it. Nothing for other connections. */
  readonly compress?: boolean
}

/**
 * Connects to an engine and learns who it is. Fails with `usage` for a wrong address, `engine-unreachable` or
 * `unauthorized` with what was tried and who gave the address, `refused` for an engine that is too old. Nothing is left
 * open after a failure, or after close().
 */
export async function connectEngine({ host, from, env, signal, compress = false }: ConnectOptions): Promise<Engine> {
  const resolved = await resolveEndpoint(host, env, from)
  const link = await openLink(resolved, env, compress, signal).catch((thrown: unknown) => {
    throw signal?.aborted === true ? signal.reason : whyNoConnection(thrown, resolved)
  })
  const agent = new EngineAgent(link.dial)
  const close = async (): Promise<void> => {
    agent.destroy()
    await link.close()
  }
  try {
    const client = new ApiClient(resolved.address, link.hostHeader, agent)
    const facts = await negotiate(client, signal)
    return {
      address: resolved.address,
      facts,
      containers: containerVerbs(client),
      images: imageVerbs(client),
      volumes: volumeVerbs(client),
      networks: networkVerbs(client),
      shell: link.shell,
      events: (filters, ending, window) => engineEvents(client, filters, ending, window),
      clock: options => readEngineClock(client, options),
      giveUp: () => agent.giveUp(),
      close,
    }
  } catch (thrown) {
    await close()
    throw signal?.aborted === true ? signal.reason : whyNoConnection(thrown, resolved)
  }
}

/** A way to the engine: how to open connections, and a shell where there is one. */
type Link = { readonly dial: Dial; readonly hostHeader: string; readonly shell: HostShell | undefined; readonly close: () => Promise<void> }

async function openLink({ endpoint, tls }: ResolvedEndpoint, env: NodeJS.ProcessEnv, compress: boolean, signal: AbortSignal | undefined): Promise<Link> {
  switch (endpoint.kind) {
    case 'unix':
      return { dial: dialUnix(endpoint.path), hostHeader: 'docker', ...localShell(env) }
    case 'tcp': {
      const { host, port } = endpoint
      const hostHeader = `${host.includes(':') ? `[${host}]` : host}:${port}`
      return { dial: tls === undefined ? dialTcp(host, port) : dialTls(host, port, tls), hostHeader, shell: undefined, close: async () => Promise.resolve() }
    }
    case 'ssh':
      return { hostHeader: 'docker', ...(await openSsh(endpoint, env, signal, compress)) }
  }
}
