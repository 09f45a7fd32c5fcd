import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { at, expectExit, inspect, installDray, type Dray } from './dray.ts'

let host: LabHost
let dray: Dray

const program = (version: string): string[] => ['sh', '-c', `test -e /data/ready || exit 9; echo ${version} >> /data/seen; while :; do sleep 1; done`]

beforeAll(async () => {
  [host, dray] = await Promise.all([startHost({ engine: '20.10' }), installDray()])
  const image = async (name: string, more: object) => busyboxImage(host, name, { cmd: program(name), env: { PATH: '/bin', VERSION: name }, volumes: ['/data', '/cache'], expose: ['80'], ...more })
  await image('app:1', { labels: { version: '1' } })
  await image('app:2', { labels: { version: '2' }, workdir: '/tmp' })
  await image('app:moved', { volumes: ['/srv/data', '/cache'] })
  await image('app:none', { entrypoint: ['/none'] })
  await image('app:bad', { cmd: ['sh', '-c', 'echo eaten > /data/ready; rm /data/seen; echo cannot start; exit 7'] })
}, 90_000)

beforeEach(async () => {
  await host.sh(`docker rm -fv $(docker ps -aq) >/dev/null 2>&1; docker volume rm db-data >/dev/null 2>&1; docker create --name db -v db-data:/data -e OWN=mine --restart always -p 127.0.0.1:18092:80 -l own=yes app:1 >/dev/null
    docker run --rm -v db-data:/data app:1 sh -c 'echo yes > /data/ready'; docker start db >/dev/null; docker exec db sh -c 'echo warm > /cache/warm'`)
}, 30_000)

afterAll(async () => {
  await Promise.all([host[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
}, 60_000)

const upgrade = (image: string, ...more: string[]) => dray('upgrade', 'db', image, '-H', at(host), '--settle', '1', ...more)
const data = async (): Promise<string> => host.sh('docker exec db cat /data/ready /data/seen /cache/warm')

describe('upgrade', () => {
  test('puts the new image under the old data, with what was given, and undo takes it back', async () => {
    const before = await inspect(host, 'db')
    const { result } = expectExit(await upgrade('app:2'), 0) as unknown as { result: { run: string; kept: string } }
    const after = await inspect(host, 'db')
    expect(after.Config).toMatchObject({ Image: 'app:2', Cmd: program('app:2'), WorkingDir: '/tmp', Env: ['OWN=mine', 'PATH=/bin', 'VERSION=app:2'], Labels: { own: 'yes', version: '2' } })
    expect(after.HostConfig).toMatchObject({ RestartPolicy: { Name: 'always' }, PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18092' }] } })
    expect(await data()).toBe('yes\napp:1\napp:2\nwarm\n')
    const kept = await inspect(host, result.kept)
    expect(kept).toMatchObject({ Id: before.Id, State: { Status: 'exited' }, HostConfig: { RestartPolicy: { Name: 'no' } } })
    expectExit(await dray('undo', result.run, '--yes'), 0)
    expect(await inspect(host, 'db')).toMatchObject({ Id: before.Id, State: { Status: 'running' }, HostConfig: { RestartPolicy: { Name: 'always' } } })
    expect(await data()).toBe('yes\napp:1\napp:1\nwarm\n')
    expect(await host.sh('docker ps -a --format {{.Names}}')).toBe('db\n')
  }, 90_000)

  test.each([
    ['ends at once', 'app:bad', 'container "db" ended right after its start, with exit code 7; its last words: cannot start'],
    ['cannot be started', 'app:none', 'starting container "db": '],
  ])('brings the old one back, running, with its data as it was, when the new one %s', async (_what, image, said) => {
    const { Id } = await inspect(host, 'db')
    const answer = expectExit(await dray.plain(['upgrade', 'db', image, '-H', at(host)]), 40)
    expect(answer.stderr).toContain(said)
    expect(answer.stderr).toContain('dray: hint: container "db" runs as before')
    expect(await inspect(host, 'db')).toMatchObject({ Id, State: { Status: 'running' }, HostConfig: { RestartPolicy: { Name: 'always' } } })
    expect(await data()).toBe('yes\napp:1\napp:1\nwarm\n')
    expect(await host.sh('docker ps -a --format {{.Names}}')).toBe('db\n')
  }, 90_000)

  test('says what the container has of its own, and the new image says otherwise', async () => {
    await host.sh('docker rm -f db; docker create --name db -v db-data:/data --entrypoint /bin/sleep --user 0 app:1 1000')
    const plan = expectExit(await dray.plain(['upgrade', 'db', 'app:none', '-H', at(host), '--dry-run']), 0)
    expect(plan.stdout).toContain("note      the container was given an entrypoint of its own, which stays: the new image's is not used")
    expect(plan.stdout).not.toContain('was given a user')
  }, 60_000)

  test('stops at a data path that moved, says so, and mounts the data there when told', async () => {
    const { Id } = await inspect(host, 'db')
    const answer = expectExit(await dray.plain(['upgrade', 'db', 'app:moved', '-H', at(host)]), 12)
    expect(answer.stderr).toMatch(/the data path moved: the old image keeps its data at \/data, and "app:moved" at \/srv\/data/)
    expect(answer.stderr).toContain('--data-path /data:/srv/data')
    expect(await inspect(host, 'db')).toMatchObject({ Id, State: { Status: 'running' } })
    await host.sh('docker run -d --name side --network container:db --entrypoint sleep app:1 1000 >/dev/null')
    const plan = expectExit(await dray.plain(['upgrade', 'db', 'app:moved', '-H', at(host), '--dry-run', '--data-path', '/data:/srv/data']), 0)
    expect(plan.stdout).toContain('container "side" uses the network of "db"')
    expect(plan.stdout).toContain('volumes   ["/cache","/data"] in the old image, ["/cache","/srv/data"] in the new one')
    const missing = expectExit(await dray.plain(['upgrade', 'db', 'registry.invalid/none:1', '-H', at(host)]), 11)
    expect(missing.stderr).toContain('cannot be pulled')
    expect(await inspect(host, 'db')).toMatchObject({ Id, State: { Status: 'running' } })
  }, 90_000)
})
