import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { at, docker, expectExit, installDray, inventory, type Dray } from './dray.ts'
import { destroy } from './whole-container.ts'

/** To a host that has neither the top folder of a bind, nor the folder of another one beside the engine's data root. */
export function testFreshHost(engine: EngineName): void {
  describe(`a fresh host with engine ${engine}`, () => {
    let old: LabHost
    let fresh: LabHost
    let dray: Dray
    const unique = `drayage-lab-${randomBytes(5).toString('hex')}`
    /** The root directory may be one for both hosts. */
    const recorded = { top: `/${unique}-old`, beside: '' }
    const made = { top: `/${unique}`, beside: '' }
    let map: readonly string[]

    beforeAll(async () => {
      [old, fresh] = await Promise.all([startHost({ engine }), startHost({ engine, tcp: true })])
      recorded.beside = `${dirname(old.dataRoot)}/${unique}`
      made.beside = `${dirname(fresh.dataRoot)}/${unique}`
      map = ['--map-bind', `${recorded.top}:${made.top}`, '--map-bind', `${recorded.beside}:${made.beside}`]
    }, 120_000)

    beforeEach(async () => {
      dray = await installDray({ DOCKER_HOST: at(old), ...old.ssh.env })
      await busyboxImage(old, 'app:1', { cmd: ['sleep', '100000'] })
      await runWeb()
      await old.sh(`docker exec web sh -c 'echo top > /top/file; echo beside > /beside/file'`)
    }, 60_000)

    afterEach(async () => {
      await Promise.all([destroy(old), destroy(fresh), dray[Symbol.asyncDispose]()])
      await old.sh(`rm -rf ${recorded.top} ${recorded.beside}`)
      await fresh.sh(`rm -rf ${made.top} ${made.beside}`)
    }, 60_000)

    afterAll(async () => {
      await Promise.all([old[Symbol.asyncDispose](), fresh[Symbol.asyncDispose]()])
    }, 60_000)

    const said = async (host: LabHost) => await docker(host, 'exec', 'web', 'cat', '/top/file', '/beside/file')
    const left = async () => await fresh.sh(`find ${made.top} ${made.beside} 2>/dev/null || true`)
    const runWeb = async (...more: readonly string[]) => await old.sh(`docker run -d --name web --stop-signal KILL ${more.join(' ')} -v ${recorded.top}/x/conf:/top -v ${recorded.beside}/conf:/beside app:1 >/dev/null`)
    const ways: readonly (readonly [string, () => string])[] = [['ssh', () => fresh.ssh.endpoint], ['a socket', () => at(fresh)], ['tcp', () => `tcp://${fresh.address}:2375`]]

    test.each(ways)('restored over %s', async (_name, to) => {
      expectExit(await dray('backup', 'web'), 0)
      const planned = expectExit(await dray.plain(['restore', 'latest', 'web', '--to', to(), ...map, '--dry-run']), 0)
      for (const path of [`${made.top}/x/conf`, `${made.beside}/conf`]) expect(planned.stdout).toMatch(new RegExp(`^ +makes +"${path}"`, 'm'))
      expect(await left()).toBe('')
      expectExit(await dray('restore', 'latest', 'web', '--to', to(), ...map), 0)
      expect(await said(fresh)).toBe('top\nbeside')
    }, 90_000)

    test('a restore that fails, and one that is undone, take exactly the folders away that were made', async () => {
      const to = () => `tcp://${fresh.address}:2375`
      await docker(old, 'rm', '-f', 'web')
      await runWeb('--health-cmd', '\'test -e /never\'', '--health-interval', '300ms', '--health-retries', '1')
      expectExit(await dray('backup', 'web'), 0)
      await fresh.sh(`mkdir ${made.beside}; echo mine > ${made.beside}/mine`)
      const [before, mine] = [await inventory(fresh), await left()]
      expectExit(await dray('restore', 'latest', 'web', '--to', to(), ...map), 40)
      expect(await left()).toBe(mine)
      expect(await inventory(fresh)).toEqual(before)

      await busyboxImage(fresh, 'app:1', { cmd: ['sleep', '100000'] })
      await docker(fresh, 'run', '-d', '--name', 'web', '--stop-signal', 'KILL', 'app:1')
      const { result } = expectExit(await dray('restore', 'latest', 'web', '--replace', '--no-start', '--to', to(), ...map), 0)
      expect(await left()).toContain(`${made.beside}/conf/file\n`)
      expectExit(await dray('undo', (result as unknown as { run: string }).run, '--yes'), 0)
      expect(await left()).toBe(mine)
    }, 120_000)

    test.each(ways)('migrated over %s', async (_name, to) => {
      expectExit(await dray('migrate', 'web', at(old), to(), ...map, '--dry-run'), 0)
      expect(await left()).toBe('')
      expectExit(await dray('migrate', 'web', at(old), to(), ...map), 0)
      expect(await said(fresh)).toBe('top\nbeside')
    }, 90_000)

    test('a folder that cannot be made is told before anything is changed', async () => {
      expectExit(await dray('backup', 'web'), 0)
      await fresh.sh(`mkdir ${made.beside}; mount -t tmpfs -o ro none ${made.beside}`)
      try {
        const { stderr } = expectExit(await dray.plain(['restore', 'latest', 'web', '--to', fresh.ssh.endpoint, ...map, '--dry-run']), 12)
        expect(stderr).toContain(`"${made.beside}/conf" cannot be made: "${made.beside}" is read-only`)
        expect(stderr).toContain(`--map-bind ${recorded.beside}/conf:OTHER`)
      } finally {
        await fresh.sh(`umount ${made.beside}`)
      }
    }, 60_000)
  })
}
