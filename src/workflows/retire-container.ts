import type { Engine } from '../engine/engine.ts'

/**
 * Stops a container and sees to it that it does not start by itself. One that is paused is killed, so that its program does
 * nothing more; one that would be removed by stopping it (`--rm`) stays paused. Idempotent.
 */
export async function retireContainer({ containers }: Engine, id: string): Promise<void> {
  const { State, HostConfig } = await containers.inspect(id)
  const policy = HostConfig.RestartPolicy.Name
  if (policy !== '' && policy !== 'no') await containers.update(id, { RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } })
  if (!State.Running || HostConfig.AutoRemove) return
  if (!State.Paused) {
    await containers.stop(id)
    return
  }
  await containers.kill(id, 'SIGKILL')
  await containers.wait(id, 'not-running')
}
