import type { RestorePlan, WantedMount } from '../restore-plan.ts'
import { makeNetworks, makeVolumes, type MountsJob } from './restore-mounts.ts'

type Plan = RestorePlan<WantedMount>

/** The networks and volumes of all of them, once each. */
export async function makePlacesOf({ run, engine }: Pick<MountsJob, 'run' | 'engine'>, plans: readonly Plan[]): Promise<void> {
  const networks = new Map<string, Plan['networks'][number]>()
  for (const network of plans.flatMap(plan => plan.networks)) if (!networks.has(network.Name) || hasPools(network)) networks.set(network.Name, network)
  await makeNetworks({ run, engine, plan: { networks: [...networks.values()] } })
  const volumes = new Map(plans.flatMap(({ request }) => request.volumes.map(volume => [volume.Name, volume] as const)))
  await makeVolumes({ run, engine, plan: { request: { volumes: [...volumes.values()] }, mounts: plans.flatMap(({ mounts }) => mounts) } })
}

/** An address that one of the containers has for its own needs the network's subnet. */
function hasPools(network: Plan['networks'][number]): boolean {
  return ((network['IPAM'] as { Config?: unknown[] } | undefined)?.Config ?? []).length > 0
}
