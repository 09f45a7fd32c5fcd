import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startHost, type LabHost } from '../../lab/host.ts'
import { at, expectExit, inspect, installDray, inventory, type Answer, type Dray, type Inventory } from './dray.ts'
import { dataOf, destroy, differences, makeWhole, type WholeData } from './whole-container.ts'

let one: LabHost
let two: LabHost
let dray: Dray
let original: WholeData
let stocked: Inventory

beforeAll(async () => {
  [one, two, dray] = await Promise.all([startHost({ engine: '20.10' }), startHost({ engine: '20.10' }), installDray()])
  await makeWhole(one, { files: 300, bytes: 20_000_000 })
}, 120_000)

afterAll(async () => {
  await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
}, 60_000)

const restored = ({ result }: Answer) => result.restored[0]!

/** Names only: what is made again has other ids. One whose writable layer held something is made from the commit, which has no name. */
const names = ({ containers, images, volumes, networks }: Inventory) => ({
  containers: containers.map(line => line.split(' ')).map(([name, , state]) => [name, state]),
  images: images.map(line => line.split(' ')[0]).filter(name => name !== '<none>:<none>'),
  volumes: volumes.map(line => line.replace(/^[0-9a-f]{64}/, 'anonymous')),
  networks: networks.map(line => line.replace(/ [0-9a-f]{64}/, '')),
})

describe('a container with everything, on 20.10', () => {
  test('is backed up with the one it has volumes from, and the engine is as it was', async () => {
    stocked = await inventory(one)
    const { result } = expectExit(await dray('backup', 'store', 'web', '-H', at(one)), 0)
    original = await dataOf(one, 'web')
    expect(await inventory(one)).toEqual(stocked)
    for (const as of ['run', 'compose', 'json']) expect((await dray.plain(['describe', 'latest', 'web', '--as', as, '-H', at(two)])).stdout).toContain('shop/web:1')
    const [web] = result.backups as [Answer['result']['backups'][number]]
    expect(web).toMatchObject({ containers: [{ name: 'store' }, { name: 'web' }], missing: [], leftOut: [{ destination: '/mem', reason: 'tmpfs is memory' }], freeze: { way: 'pause', disturbed: false } })
    expect(web.images.map(({ role, names: those, how }) => [role, those, how])).toEqual([['original', ['shop/web:1', 'shop/web:stable'], expect.any(String)], ['commit', [], 'saved'], ['original', ['shop/web:1', 'shop/web:stable'], expect.any(String)]])
    expect(web.mounts.map(({ destinations }) => destinations.map(({ path }) => path).sort().join()).sort()).toEqual(['/anonymous', '/data,/data-again', '/etc/app.conf', '/etc/conf.d', '/ro', '/site', '/site/inner', '/srv/declared', '/store', '/store-anonymous'])
    expect(web.mounts.flatMap(({ reader, losses, problems }) => [...(reader === 'host' ? [] : [reader]), ...losses, ...problems])).toEqual([])
  }, 60_000)

  test('unchanged, commits nothing and stores nothing the second time', async () => {
    const since = (await one.sh('date +%s.%N')).trim()
    const { result } = expectExit(await dray('backup', 'web', '-H', at(one)), 0)
    const events = await one.sh(`docker events --since ${since} --until "$(date +%s.%N)" --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}'`)
    expect(events.split('\n').filter(line => /commit|image (tag|save)/.test(line) && !line.includes('drayage-'))).toEqual([])
    expect(events).not.toContain('commit')
    expect(result.backups[0]).toMatchObject({ storedBytes: 0, images: [{ role: 'commit', how: 'stored before' }, { role: 'original', how: 'stored before' }] })
    expect(differences(original, await dataOf(one, 'web'))).toEqual([])
    expect(await inventory(one)).toEqual(stocked)
  }, 60_000)

  test('a restore in the way of what is there names it all, exit 12, and changes nothing', async () => {
    const answer = expectExit(await dray('restore', 'latest', 'web', '-H', at(one)), 12)
    for (const what of ['container \\"web\\" already', 'volume \\"web-data\\" is there and not empty', 'port 18080/tcp is taken', 'the address 10.97.40.40', '--replace', '--map-port 18080:OTHER', '--map-volume web-data:OTHER']) expect(answer.stderr).toContain(what)
    expect(await inventory(one)).toEqual(stocked)
    expect(differences(original, await dataOf(one, 'web'))).toEqual([])
  }, 60_000)

  test('a dry run of the restore after all was destroyed makes nothing', async () => {
    await destroy(one)
    const empty = await inventory(one)
    const { result } = expectExit(await dray('restore', 'latest', 'web', '-H', at(one), '--dry-run'), 0)
    expect(result.plans[0]).toMatchObject({ name: 'web', networks: ['web-net'] })
    expect(await inventory(one)).toEqual(empty)
    expect(readdirSync(one.sharedDir)).toEqual([])
  }, 60_000)

  test('comes back whole: spec and data are equal, and nothing else is left', async () => {
    expectExit(await dray('restore', 'latest', 'store', '-H', at(one)), 0)
    const answer = expectExit(await dray('restore', 'latest', 'web', '-H', at(one)), 0)
    expect(restored(answer)).toMatchObject({ name: 'web', state: { status: 'running', health: 'healthy' }, differences: [], engineDefaults: [], announced: [], losses: [] })
    expect(differences(original, await dataOf(one, 'web'))).toEqual([])
    expect(names(await inventory(one))).toEqual(names(stocked))
    expect(await one.sh('docker exec web /opt/suid true; docker exec web stat -c %a:%u /opt/suid')).toBe('4755:0\n')
    expect(await one.sh('docker exec web cat /data-again/plain /store/store /site/inner/inner /etc/app.conf')).toBe('plain\nof the other container\nnested\nkey = value\n')
  }, 60_000)

  test('comes back once more over itself with --replace, and is still whole', async () => {
    await one.sh('docker exec web sh -c "echo later > /data/later; rm /data/plain; echo x > /etc/conf.d/new; echo y > /opt/later"')
    const { Id } = await inspect(one, 'web')
    const answer = expectExit(await dray('restore', 'latest', 'web', '-H', at(one), '--replace'), 0)
    expect(restored(answer)).toMatchObject({ differences: [], engineDefaults: [], losses: [], replacedIn: [expect.any(String)] })
    expect((await inspect(one, 'web')).Id).not.toBe(Id)
    expect(differences(original, await dataOf(one, 'web'))).toEqual([])
    expect(names(await inventory(one)).containers).toContainEqual([expect.stringMatching(/^web-replaced-/), 'exited'])
    expectExit(await dray('clean', '--kept', '--yes'), 0)
    expect(names(await inventory(one))).toEqual(names(stocked))
    const { result } = expectExit(await dray('show', restored(answer).replacedIn[0]!), 0)
    expect(result).toMatchObject({ tags: ['replaced'] })
    const back = expectExit(await dray('restore', restored(answer).replacedIn[0]!, 'web', '-H', at(one), '--replace', '--no-start'), 0)
    expect(restored(back)).toMatchObject({ differences: [] })
    expect(await one.sh('docker start web >/dev/null; docker exec web cat /data/later /etc/conf.d/new /opt/later')).toBe('later\nx\ny\n')
  }, 120_000)

  test('is restored to a second host, with its paths mapped, without the container it had volumes from', async () => {
    const answer = expectExit(await dray('restore', 'latest', 'web', '--to', at(two), '--map-bind', `${one.sharedDir}:${two.sharedDir}`), 3)
    expect(restored(answer)).toMatchObject({ differences: [], engineDefaults: [], losses: [{ field: 'HostConfig.VolumesFrom' }, { field: 'HostConfig.Mounts' }] })
    expect(differences(original, await dataOf(two, 'web'))).toEqual([])
    expect(names(await inventory(two)).containers).toEqual([['web', 'running']])
    expect(names(await inventory(two)).images).toEqual(['shop/web:1', 'shop/web:stable'])
    expect(names(await inventory(two)).networks).toEqual(['bridge bridge', 'host host', 'none null', 'web-net bridge'])
    expect(readdirSync(two.sharedDir).sort()).toEqual(['app.conf', 'conf.d', 'ro', 'site'])
  }, 60_000)

  test('no run left anything in the journal', () => {
    expect(readdirSync(join(dray.state, 'drayage/journal')).filter(name => name.endsWith('.ndjson'))).toEqual([])
  })
})
