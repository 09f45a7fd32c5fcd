import { BlockList, isIPv6 } from 'node:net'
import type { EngineFacts } from '../engine.ts'

type Pool = { readonly Subnet?: string; readonly Gateway?: string; readonly IPRange?: string; readonly AuxiliaryAddresses?: Record<string, string> | null }

/** What engines hand out when nothing else is configured: blocks of this size from these ranges. */
const builtIn = [
  { Base: '172.16.0.0/12', Size: 16 },
  { Base: '192.168.0.0/16', Size: 20 },
]

/**
 * The engine chose this subnet. It writes a gateway then, while a subnet given without one has none; the rest is told by the
 * address pools of the source. A subnet and gateway that somebody chose exactly like the engine would are taken for its own.
 */
export function isAutomaticSubnet({ Subnet, Gateway, IPRange, AuxiliaryAddresses }: Pool, source: EngineFacts): boolean {
  if (Subnet === undefined || Gateway === undefined || Gateway === '' || (IPRange ?? '') !== '' || Object.keys(AuxiliaryAddresses ?? {}).length > 0) return false
  const [address = '', bits = ''] = Subnet.split('/')
  if (!isFirstAddress(Gateway.replace(/\/.*$/, ''), address)) return false
  const configured = (source.info['DefaultAddressPools'] ?? []) as { Base: string; Size: number }[]
  const pools = configured.length > 0 ? configured : builtIn
  if (isIPv6(address)) return bits === '64' && (/^f[cd]/i.test(address) || pools.some(pool => isWithin(address, pool.Base)))
  return pools.some(({ Base, Size }) => Size === Number(bits) && isWithin(address, Base))
}

function isFirstAddress(gateway: string, network: string): boolean {
  return gateway === (isIPv6(network) ? network.replace(/::$/, '::1') : network.replace(/\.\d+$/, last => `.${Number(last.slice(1)) + 1}`))
}

function isWithin(address: string, range: string): boolean {
  const [base = '', bits = '0'] = range.split('/')
  const family = isIPv6(base) ? 'ipv6' : 'ipv4'
  if (isIPv6(address) !== (family === 'ipv6')) return false
  const list = new BlockList()
  list.addSubnet(base, Number(bits), family)
  return list.check(address, family)
}
