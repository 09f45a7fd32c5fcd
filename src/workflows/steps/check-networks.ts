import { BlockList, isIPv6 } from 'node:net'
import type { ContainerInspect, NetworkInspect } from '../../engine/api-types.ts'
import type { Engine } from '../../engine/engine.ts'
import { isSwarmManager, type NetworkCreate } from '../../engine/spec/network-request.ts'
import type { ContainerRecord } from '../../engine/spec/spec-record.ts'
import type { Obstacles } from '../obstacles.ts'

type Pool = { readonly Subnet?: string }

/** The networks to be made. One that is there by name has to be of the same kind, with room for the addresses that are asked for. */
export async function checkNetworks(engine: Engine, record: ContainerRecord, wanted: readonly NetworkCreate[], replacing: readonly ContainerInspect[], obstacles: Obstacles, signal: AbortSignal): Promise<NetworkCreate[]> {
  const present = await engine.networks.list(undefined, { signal })
  const missing: NetworkCreate[] = []
  for (const network of wanted) {
    const driver = typeof network['Driver'] === 'string' ? network['Driver'] : ''
    const found = present.find(({ Name }) => Name === network.Name)
    if (found === undefined) {
      missing.push(network)
      if (network['Scope'] === 'swarm' && !isSwarmManager(engine.facts)) obstacles.add(`network "${network.Name}" is an ${driver} network of a swarm, and the target is no manager of one`, `make it one there (docker swarm init, or docker swarm join), or use another network: --map-network ${network.Name}:OTHER`, { kind: 'network', name: network.Name })
      for (const pool of poolsOf(network)) {
        const other = present.find(each => (each.IPAM.Config ?? []).some(taken => pool.Subnet !== undefined && taken.Subnet !== undefined && overlaps(pool.Subnet, taken.Subnet)))
        if (other !== undefined) obstacles.add(`network "${network.Name}" wants ${pool.Subnet ?? ''}, which network "${other.Name}" has`, `use that network: --map-network ${network.Name}:${other.Name}`, { kind: 'network', name: network.Name, other: other.Name })
      }
      continue
    }
    if (found.Driver !== driver) obstacles.add(`network "${network.Name}" is there with driver "${found.Driver}" instead of "${driver}"`, `use another network: --map-network ${network.Name}:OTHER`, { kind: 'network', name: network.Name })
    await checkAddresses(engine, record, found, replacing, obstacles, signal)
  }
  return missing
}

async function checkAddresses(engine: Engine, { inspect }: ContainerRecord, network: NetworkInspect, replacing: readonly ContainerInspect[], obstacles: Obstacles, signal: AbortSignal): Promise<void> {
  const asked = inspect.NetworkSettings.Networks[network.Name]?.IPAMConfig
  const addresses = [asked?.IPv4Address, asked?.IPv6Address].filter(address => address !== undefined && address !== '')
  if (addresses.length === 0) return
  const pools = (network.IPAM.Config ?? []).flatMap(({ Subnet }) => Subnet ?? [])
  const { Containers } = (await engine.networks.inspect(network.Id, { signal })) as unknown as { Containers?: Record<string, { Name: string; IPv4Address: string; IPv6Address: string }> }
  for (const address of addresses) {
    if (address === undefined) continue
    if (!pools.some(pool => holds(pool, address))) obstacles.add(`network "${network.Name}" is there with ${pools.join(', ')}, which does not hold the address ${address}`, `use another network: --map-network ${network.Name}:OTHER`, { kind: 'network', name: network.Name })
    const taken = Object.entries(Containers ?? {}).find(([id, { IPv4Address, IPv6Address }]) => replacing.every(({ Id }) => Id !== id) && [IPv4Address, IPv6Address].some(each => each.split('/')[0] === address))
    if (taken !== undefined) obstacles.add(`the address ${address} in network "${network.Name}" is taken by container "${taken[1].Name}"`, `stop that container, or use another network: --map-network ${network.Name}:OTHER`, { kind: 'network', name: network.Name })
  }
}

function poolsOf(network: NetworkCreate): Pool[] {
  return ((network['IPAM'] as { Config?: Pool[] } | undefined)?.Config ?? [])
}

function holds(subnet: string, address: string): boolean {
  const list = new BlockList()
  const [base = '', bits = ''] = subnet.split('/')
  const family = isIPv6(base) ? 'ipv6' : 'ipv4'
  if (family !== (isIPv6(address) ? 'ipv6' : 'ipv4')) return false
  list.addSubnet(base, Number(bits), family)
  return list.check(address, family)
}

/** Of two subnets that overlap one holds the other's first address. */
function overlaps(one: string, other: string): boolean {
  return holds(one, other.split('/')[0] ?? '') || holds(other, one.split('/')[0] ?? '')
}
