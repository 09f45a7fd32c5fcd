import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { at, docker, expectExit, inspect, installDray, inventory, type Dray } from './dray.ts'

let host: LabHost
let dray: Dray

beforeAll(async () => {
  host = await startHost({ engine: '20.10' })
  dray = await installDray({ DOCKER_HOST: at(host) })
  await busyboxImage(host, 'app:1', { cmd: ['sleep', '100000'] })
  await host.sh(`docker network create net >/dev/null; mkdir -p ${host.sharedDir}/dir; docker run -d --init --stop-timeout 0 --restart always --name web --network net -v data:/data -v empty:/empty -v ${host.sharedDir}/dir:/dir app:1 >/dev/null`)
  await change('stored')
  await docker(host, 'exec', 'web', 'sh', '-c', 'echo full > /empty/file; mkdir /data/sub; head -c 3000000 /dev/urandom > /data/sub/big; ln /data/sub/big /data/link; chown 12:34 /data/sub; chmod 4755 /data/sub/big')
  expectExit(await dray('backup', 'web'), 0)
}, 90_000)

afterAll(async () => {
  await Promise.all([host[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
}, 60_000)

type Undo = { readonly result: { readonly run: string; readonly backups: readonly string[]; readonly restored: readonly { readonly undo?: string; readonly keptAs: readonly string[] }[] } }

const change = (text: string) => docker(host, 'exec', 'web', 'sh', '-c', `echo ${text} > /data/file; echo ${text} > /dir/file; echo ${text} > /layer; touch /data/${text}`)
/** With owners, modes, links and times. */
const data = () => docker(host, 'exec', 'web', 'sh', '-c', 'for f in $(find /data /empty /dir /layer | sort); do stat -c "%n %a %u %g %h %Y" $f; test -d $f || md5sum $f; done')

describe('undo of restore --replace', () => {
  test('what was replaced comes back with its data as it was, and what the restore had made can come back too', async () => {
    const stored = await data()
    await docker(host, 'exec', 'web', 'sh', '-c', 'rm -r /data/sub /empty/file')
    await change('newer')
    const [before, newer, { Id }] = [await inventory(host), await data(), await inspect(host, 'web')]
    const restore = expectExit(await dray('restore', 'latest', 'web', '--replace'), 0) as unknown as Undo
    const [restored] = restore.result.restored
    expect(restored!.undo).toBe(`dray undo ${restore.result.run}`)
    expect(await inspect(host, restored!.keptAs[0]!)).toMatchObject({ Id, State: { Status: 'exited' }, HostConfig: { RestartPolicy: { Name: 'no' } } })
    expect(await data()).toBe(stored)
    const doctor = (await dray.plain(['doctor'])).stdout
    expect(doctor).toMatch(new RegExp(`^ok {3}kept: container "${restored!.keptAs[0]!}" on .*, replaced by a restore .* ago \\(run ${restore.result.run}\\)$`, 'm'))

    expectExit(await dray('undo', restore.result.run, '--dry-run'), 0)
    expect(await data()).toBe(stored)
    const undo = expectExit(await dray('undo', restore.result.run, '--yes'), 0) as unknown as Undo
    expect(await inspect(host, 'web')).toMatchObject({ Id, State: { Status: 'running' }, HostConfig: { RestartPolicy: { Name: 'always' } } })
    expect(await data()).toBe(newer)
    expect({ ...(await inventory(host)), images: [] }).toEqual({ ...before, images: [] })
    expect(expectExit(await dray('undo', restore.result.run, '--yes'), 12).stderr).toContain('was taken back already')

    const again = expectExit(await dray('restore', undo.result.backups[0]!, 'web', '--replace'), 0) as unknown as Undo
    await docker(host, 'start', 'web')
    expect(await data()).toBe(stored)
    expect((await dray.plain(['clean', '--kept', '--dry-run'])).stdout).toContain(`would remove: container "${again.result.restored[0]!.keptAs[0]!}"`)
    expect((await dray.plain(['clean', '--kept'])).exitCode).toBe(2)
    expectExit(await dray.plain(['clean', '--kept', '--yes']), 0)
    expect((await inventory(host)).containers).toHaveLength(1)
    expect(await data()).toBe(stored)
    expect(expectExit(await dray('undo', again.result.run, '--yes'), 12).stderr).toContain('was removed at')
    expect((await dray.plain(['clean', '--kept', '--yes'])).stdout).toBe('nothing is kept\n')
  }, 120_000)

  test('what is kept has no part in backup --all, and one that has another name by now is left alone', async () => {
    const { result } = expectExit(await dray('restore', 'latest', 'web', '--replace'), 0) as unknown as Undo
    const kept = result.restored[0]!.keptAs[0]!
    expect(JSON.stringify(expectExit(await dray('backup', '--all', '--dry-run'), 0).result)).not.toContain(kept)
    await docker(host, 'rename', kept, 'mine')
    expect(expectExit(await dray.plain(['clean', '--kept', '--yes']), 3).stdout).toContain('it has the name "mine" now')
    expect(expectExit(await dray('undo', result.run, '--yes'), 12).stderr).toContain('it has the name')
    expect((await inventory(host)).containers).toHaveLength(2)
    await docker(host, 'rename', 'mine', kept)
    expectExit(await dray.plain(['clean', '--kept', '--yes']), 0)
  }, 60_000)

  test('a container of a compose project is not kept', async () => {
    await host.sh('docker run -d --init --stop-timeout 0 --name shop_db_1 -l com.docker.compose.project=shop app:1 >/dev/null')
    expectExit(await dray('backup', 'shop_db_1'), 0)
    const { result } = expectExit(await dray('restore', 'latest', 'shop_db_1', '--replace'), 0) as unknown as Undo
    expect(result.restored[0]).not.toHaveProperty('undo')
    expect(await docker(host, 'ps', '-a', '--filter', 'name=replaced', '--format', '{{.Names}}')).toBe('')
  }, 60_000)
})
