import { runInHostNetwork } from './helper-tools.ts'
import type { TemporaryScope } from './temporary-objects.ts'

/** `ip` as text; "0.0.0.0" and "::" mean every address. */
export type HostSocket = { readonly protocol: 'tcp' | 'udp'; readonly ip: string; readonly port: number }

const listening = '0A'
const unconnected = '07'

/**
 * The ports that programs of the engine's host listen on, as its kernel lists them: read by a helper in the engine's own network.
 * Undefined where no helper can run.
 */
export async function readHostSockets(scope: TemporaryScope, signal: AbortSignal): Promise<readonly HostSocket[] | undefined> {
  const text = await runInHostNetwork(scope, ['sh', '-c', 'for each in tcp tcp6 udp udp6; do echo "= $each"; cat /proc/net/$each 2>/dev/null; done'], signal)
  return text === undefined ? undefined : parseSockets(text)
}

/** /proc/net/tcp and the like, each after a line that names it. */
export function parseSockets(text: string): HostSocket[] {
  const found: HostSocket[] = []
  let protocol: 'tcp' | 'udp' = 'tcp'
  for (const line of text.split('\n')) {
    const named = /^= (tcp|udp)/.exec(line)?.[1]
    if (named !== undefined) protocol = named as 'tcp' | 'udp'
    const [, address = '', port = '', state] = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2})/.exec(line) ?? []
    if (state === (protocol === 'tcp' ? listening : unconnected)) found.push({ protocol, ip: toAddress(address), port: Number.parseInt(port, 16) })
  }
  return found
}

/** Words of four bytes, each in the machine's order: little endian on every machine that engines run on, but for s390x. */
function toAddress(hex: string): string {
  const bytes = [...hex.matchAll(/.{8}/g)].flatMap(([word]) => [...word.matchAll(/../g)].map(([byte]) => byte).reverse())
  if (bytes.length === 4) return bytes.map(byte => Number.parseInt(byte, 16)).join('.')
  if (bytes.every(byte => byte === '00')) return '::'
  const isMapped = bytes.slice(0, 12).join('') === '00000000000000000000ffff'.toUpperCase()
  if (isMapped) return bytes.slice(12).map(byte => Number.parseInt(byte, 16)).join('.')
  return Array.from({ length: 8 }, (_none, at) => `${bytes[at * 2] ?? ''}${bytes[at * 2 + 1] ?? ''}`.toLowerCase().replace(/^0{1,3}/, '')).join(':')
}
