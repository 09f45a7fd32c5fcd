import type { Engine } from '../../engine/engine.ts'
import { ownContainer } from '../../engine/own-container.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'
import type { Obstacles } from '../obstacles.ts'
import { dependentsLeftBehind } from './choose-together.ts'
import { chooseFreeze, type Consistency } from './freeze.ts'

/** What keeps containers from being moved as they are: the whole group is looked at. */
export async function checkMovable(source: Engine, records: readonly ContainerRecord[], consistency: Consistency, obstacles: Obstacles, signal: AbortSignal): Promise<void> {
  for (const { inspect } of records) {
    const name = nameOf(inspect)
    if (inspect.Config.Labels?.['com.docker.swarm.task.id'] !== undefined) obstacles.add(`container "${name}" is a task of a swarm service, which would start it again`, 'move the service: docker service create on the other host, and its volumes with dray backup and restore')
    if (inspect.HostConfig.AutoRemove && inspect.State.Running && (consistency !== 'pause' || chooseFreeze(inspect, consistency) === 'stop')) obstacles.add(`container "${name}" would be removed by stopping it (--rm), which leaves no way back`, 'have it paused instead: --consistency pause')
    if (inspect.Id === ownContainer()) obstacles.add(`container "${name}" is the one that dray runs in`, 'run dray outside of it, or in another container')
    if (inspect.State.Status === 'removing' || inspect.State.Status === 'dead') obstacles.add(`container "${name}" is being removed`, 'docker ps -a shows the containers')
  }
  for (const { name, of, shares } of await dependentsLeftBehind(source, records.map(({ inspect }) => inspect), signal)) {
    obstacles.add(`container "${name}" uses the ${shares} of "${of}" and has to move with it`, `name both: dray migrate ${of} ${name} SOURCE TARGET`)
  }
}
