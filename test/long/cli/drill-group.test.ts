import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { at, expectExit, installDray, inventory, type Dray, type Inventory } from '../../engine/cli/dray.ts'

type Drilled = { readonly result: { readonly containers: readonly { readonly container: string; readonly state: { readonly status: string; readonly health?: string }; readonly notes: readonly string[] }[]; readonly command?: { readonly output: string } } }

describe.each(['20.10', '28.5'] as const)('a drill of containers that belong together, on %s', engine => {
  let host: LabHost
  let dray: Dray
  let before: Inventory

  /** "db" is linked to, "web" and "proxy" share a volume and a network, "sidecar" lives in the network of "web", "job" has ended. */
  beforeAll(async () => {
    [host, dray] = await Promise.all([startHost({ engine }), installDray()])
    await busyboxImage(host, 'app:1')
    await host.sh(`set -e; S=${host.sharedDir}; echo conf > $S/conf
      docker network create --subnet 10.97.62.0/24 back > /dev/null; docker network create front > /dev/null
      docker run -d --name db -l dray.group=shop --network back --ip 10.97.62.9 --network-alias database -v db-data:/data -v $S/conf:/etc/conf:ro --health-cmd 'test -s /data/rows' --health-interval 1s app:1 sh -c 'echo row > /data/rows; exec httpd -f -p 80 -h /data' > /dev/null
      docker run -d --name web -l dray.group=shop --network back --link db:store -v pages:/www -p 127.0.0.1:18091:80 app:1 httpd -f -p 80 -h /www > /dev/null; docker network connect --alias www front web
      docker run -d --name proxy -l dray.group=shop --network front -v pages:/pages:ro app:1 sleep 100000 > /dev/null
      docker run -d --name sidecar -l dray.group=shop --network container:web --pid container:web app:1 sleep 100000 > /dev/null
      docker run --name job -l dray.group=shop --volumes-from web app:1 sh -c 'echo page > /www/index.html' > /dev/null`)
    expectExit(await dray('backup', 'db', 'web', 'proxy', 'sidecar', 'job', '-H', at(host)), 0)
    before = await inventory(host)
  }, 120_000)
  afterAll(async () => {
    await Promise.all([host[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
  }, 60_000)

  const drill = async (...args: string[]): Promise<Drilled> => expectExit(await dray('drill', 'latest', ...args, '-H', at(host), '--settle', '1'), 0) as unknown as Drilled

  test('boots all of them, which find each other and nothing else', async () => {
    const { result } = await drill('--in', 'sidecar', '--exec', 'wget -qO- http://127.0.0.1/index.html http://database/rows http://store/rows http://db/rows; ps | grep -c "[h]ttpd -f -p 80 -h /www"; ! wget -T 1 -qO- http://10.97.62.9/rows')
    expect(Object.fromEntries(result.containers.map(({ container, state }) => [container, state.health ?? state.status]))).toEqual({ db: 'healthy', web: 'running', proxy: 'running', sidecar: 'running', job: 'created' })
    expect(result.command?.output.split('\n').slice(0, 5)).toEqual(['page', 'row', 'row', 'row', '1'])
    expect(result.containers.find(({ container }) => container === 'sidecar')?.notes).toEqual([])
    expect(await inventory(host)).toEqual(before)
  }, 90_000)

  test('keeps its networks apart, and shares its volumes', async () => {
    const { result } = await drill('--in', 'proxy', '--exec', 'cat /pages/index.html; wget -qO- http://www/index.html; ! wget -T 1 -qO- http://db/rows 2>/dev/null')
    expect(result.command?.output).toBe('page\npage')
    expect(await inventory(host)).toEqual(before)
  }, 90_000)

  test('asks in which one the command is to run, before anything', async () => {
    const answer = expectExit(await dray.plain(['drill', 'latest', '-H', at(host), '--exec', 'true']), 2)
    expect(answer.stderr).toContain('--in db')
    expect(await inventory(host)).toEqual(before)
  }, 60_000)

  test('leaves all of them there with --keep, and undo removes them; says nothing with -q', async () => {
    const answer = expectExit(await dray.plain(['drill', 'latest', 'web', 'db', '-H', at(host), '--settle', '1', '--keep', '-q']), 0)
    const copies = answer.stdout.trim().split('\n')
    expect(copies.map(name => name.replace(/^drayage-.*-/, '')).sort()).toEqual(['db', 'web'])
    const run = /^drayage-(.*)-(?:db|web)$/.exec(copies[0] ?? '')?.[1] ?? ''
    expect((await host.sh(`docker network ls -q --filter name=drayage- | xargs docker network inspect -f '{{.Internal}}'`)).trim().split('\n')).toEqual(['true', 'true'])
    expectExit(await dray('undo', run, '--yes'), 0)
    expect(await inventory(host)).toEqual(before)
    const quiet = expectExit(await dray.plain(['drill', 'latest', 'db', '-H', at(host), '--settle', '1', '-q']), 0)
    expect(`${quiet.stdout}${quiet.stderr}`).toBe('')
  }, 90_000)
})
