import { DrayError } from '../../errors/dray-error.ts'
import type { ContainerInspect } from '../api-types.ts'
import { nameOf } from './spec-record.ts'

/** Throws `refused` for a task of a swarm service: swarm makes and replaces it by itself, and made again it would be nobody's. */
export function refuseSwarmTask(inspect: ContainerInspect): void {
  const labels = inspect.Config.Labels ?? {}
  if (labels['com.docker.swarm.task.id'] === undefined) return
  const service = labels['com.docker.swarm.service.name'] ?? 'SERVICE'
  throw new DrayError('refused', `container "${nameOf(inspect)}" is a task of the swarm service "${service}", which makes and replaces it by itself`, {
    hints: [
      `keep the definition of the service, its secrets and configs: the file of the stack, or docker service inspect ${service}; make it again with docker stack deploy or docker service create`,
      `keep its data by a container that only has its volumes: docker create --name ${service}-data -v VOLUME:/data IMAGE, then dray backup ${service}-data`,
      'leave it out of dray backup --all: docker service update --container-label-add dray.backup=false',
    ],
  })
}
