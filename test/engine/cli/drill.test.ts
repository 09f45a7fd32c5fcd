import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { at, expectExit, installDray, inventory, type Dray, type Inventory } from './dray.ts'

let host: LabHost
let dray: Dray
let before: Inventory

/** "web" has a volume, a file and a folder of the host, a port, a network with a fixed address, a restart policy and labels. */
beforeAll(async () => {
  [host, dray] = await Promise.all([startHost({ engine: '20.10' }), installDray()])
  await busyboxImage(host, 'app:1')
  await host.sh(`set -e; S=${host.sharedDir}; mkdir -p $S/site; echo index > $S/site/index; echo key > $S/app.conf
    docker network create --subnet 10.97.60.0/24 front >/dev/null
    docker run -d --name web --network front --ip 10.97.60.7 --network-alias www -p 127.0.0.1:18091:80 --restart always -l traefik.enable=true --health-cmd 'test -s /data/db' --health-interval 1s \\
      -v web-data:/data -v $S/site:/site -v $S/app.conf:/etc/app.conf:ro -v /anonymous -v /var/run/docker.sock:/sock app:1 sh -c 'echo booted; while :; do sleep 1; done' >/dev/null
    docker exec web sh -c 'echo rows > /data/db; echo a > /anonymous/a; echo own > /own'`)
  expectExit(await dray('backup', 'web', '-H', at(host)), 0)
  before = await inventory(host)
}, 90_000)

afterAll(async () => {
  await Promise.all([host[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
}, 60_000)

const seen = "cat /data/db /site/index /etc/app.conf /anonymous/a /own; echo more > /site/more; test -S /sock || echo no socket; ip addr | grep -c 10.97.60.7"

describe('drill', () => {
  test('boots the backup beside the one that runs, with all its data and nothing of the host, and removes it', async () => {
    const answer = expectExit(await dray('drill', 'latest', 'web', '-H', at(host), '--exec', `${seen}; true`), 0)
    expect(answer.result).toMatchObject({ state: { status: 'running', health: 'healthy' }, problems: [], command: { exitCode: 0, output: 'rows\nindex\nkey\na\nown\nno socket\n0' } })
    expect(await host.sh(`ls ${host.sharedDir}/site`)).toBe('index\n')
    expect(await inventory(host)).toEqual(before)
  }, 60_000)

  test('says with exit code 22 that the command failed, and what it said', async () => {
    const answer = expectExit(await dray.plain(['drill', 'latest', 'web', '-H', at(host), '--exec', 'echo wrong rows; exit 3']), 22)
    expect(answer.stderr).toContain('exit code 3: wrong rows')
    expect(await inventory(host)).toEqual(before)
  }, 60_000)

  test('says with exit code 22 that it does not become healthy, with its last words', async () => {
    await host.sh("docker exec web sh -c 'cp /data/db /data/kept; : > /data/db'")
    expectExit(await dray('backup', 'web', '-H', at(host), '--tag', 'broken'), 0)
    await host.sh("docker exec web sh -c 'mv /data/kept /data/db'")
    const answer = expectExit(await dray.plain(['drill', 'latest', 'web', '-H', at(host), '--health-timeout', '3']), 22)
    expect(answer.stderr).toMatch(/did not become healthy.*booted/s)
    expect(await inventory(host)).toEqual(before)
  }, 60_000)

  test('leaves the copy there with --keep, cut off from everything, until it is undone', async () => {
    const { result } = expectExit(await dray('drill', 'latest', 'web', '-H', at(host), '--keep', '--health-timeout', '3'), 22) as unknown as { result: { run?: string } }
    expect(result).toMatchObject({ ok: false })
    const copy = (await host.sh('docker ps --format {{.Names}} | grep drayage-')).trim()
    expect(await host.sh(`docker inspect -f '{{json .HostConfig.PortBindings}} {{.HostConfig.RestartPolicy.Name}} {{index .Config.Labels "traefik.enable"}}' ${copy}`)).toBe('{} no \n')
    expect(await host.sh(`docker network inspect -f '{{.Internal}}' $(docker inspect -f '{{.HostConfig.NetworkMode}}' ${copy})`)).toBe('true\n')
    const run = /drayage-(.*)-web$/.exec(copy)![1]!
    expectExit(await dray('undo', run, '--yes'), 0)
    expect(await inventory(host)).toEqual(before)
  }, 60_000)
})
