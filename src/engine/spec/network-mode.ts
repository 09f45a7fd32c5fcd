/** The container whose namespace is shared, by name or id: `container:web` gives `web`. */
export function sharedContainer(mode: unknown): string | undefined {
  return typeof mode === 'string' && mode.startsWith('container:') ? mode.slice('container:'.length) : undefined
}

/** "default" up to 25 and "bridge" from 26 on are the same network. */
export function isBridgeMode(mode: string): boolean {
  return mode === '' || mode === 'default' || mode === 'bridge'
}

/** The network that a mode joins, as the engine wrote it: a name or an id. Nothing for host, none and container:. */
export function networkOfMode(mode: string): string[] {
  if (mode === 'host' || mode === 'none' || sharedContainer(mode) !== undefined) return []
  return [isBridgeMode(mode) ? 'bridge' : mode]
}

const predefined = new Set(['bridge', 'host', 'none', 'default', 'ingress', 'docker_gwbridge'])

/** Networks that every engine has, or that belong to a swarm: never created by us. */
export function isPredefined(network: string): boolean {
  return predefined.has(network)
}
