import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { firstMissing, makeBindFolder, removeBindPath, whyNotMade } from '../../../src/mounts/bind-path.ts'
import { openMountTools } from '../../../src/mounts/open-mount.ts'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'

const run = 'r7f3a'
const signal = new AbortController().signal

/** Folders in "/" and beside the engine's data root, where a fresh host has to get them, by every way there is. */
export function testBindFolders(engineName: EngineName): void {
  describe(`folders of binds on engine ${engineName}`, () => {
    let host: LabHost
    const unique = `drayage-lab-${randomBytes(5).toString('hex')}`

    beforeAll(async () => {
      host = await startHost({ engine: engineName, tcp: true })
      await host.sh('mount --make-rshared /') // as systemd has it: the engine's rslave is real then
    }, 300_000)

    afterAll(async () => {
      await host.sh(`rm -rf /${unique}`)
      await host[Symbol.asyncDispose]()
    }, 60_000)

    const addressOf = { host: () => host.ssh.endpoint, helper: () => `tcp://${host.address}:2375`, api: () => `tcp://${host.address}:2375` }
    const found = (path: string) => host.sh(`find ${path} -printf '%p %y %m %U:%G\\n' | sort`)

    async function withEngine(way: keyof typeof addressOf, work: (engine: Engine) => Promise<void>): Promise<void> {
      const engine = await connectEngine({ host: addressOf[way](), env: { ...process.env, ...host.ssh.env } })
      if (way === 'api') await host.sh('mount --bind /dev/null /usr/bin/tar')
      try {
        await work(engine)
        const left = await host.sh('docker ps -a --format {{.Names}}; docker volume ls -q; docker images -q')
        expect(left).toBe('')
      } finally {
        if (way === 'api') await host.sh('umount /usr/bin/tar')
        await engine.close()
      }
    }

    describe.each([['in "/"', () => ''], ['beside the data root', () => dirname(host.dataRoot)]])('%s', (_name, parentOf) => {
      test.each(['host', 'helper'] as const)('%s: made, and removed, but for what others put in', way => withEngine(way, async engine => {
        const parent = parentOf()
        const path = `${parent}/${unique}/deep er/conf`
        const options = { engine, path, run, signal }
        const tools = await openMountTools({ engine, target: { kind: 'directory', path: parent || '/' }, reader: 'auto', run, signal })
        await tools.close()
        expect(tools.kind).toBe(way)
        const missing = await firstMissing(options)
        expect(missing).toBe(`${parent}/${unique}`)
        expect(await whyNotMade(options)).toBeUndefined()
        await makeBindFolder(options)
        expect(await found(missing!)).toBe(`${missing!} d 755 0:0\n${missing!}/deep er d 755 0:0\n${path} d 755 0:0\n`)
        expect(await firstMissing(options)).toBeUndefined()
        const removal = { ...options, top: missing!, bornBefore: new Date(Date.now() + 60_000) }
        await host.sh(`echo theirs > ${missing!}/theirs; echo ours > '${path}/ours'`)
        await removeBindPath(removal)
        expect(await host.sh(`find ${missing!}`)).toBe(`${missing!}\n${missing!}/theirs\n`)
        await host.sh(`rm ${missing!}/theirs`)
        await removeBindPath(removal)
        expect(await firstMissing(options)).toBe(missing)
      }), 60_000)

      test('api: made; what cannot be removed says so, and is done when somebody has removed it', () => withEngine('api', async engine => {
        const made = `${parentOf()}/${unique}`
        const options = { engine, path: `${made}/deep er/conf`, run, signal }
        expect(await whyNotMade(options)).toBeUndefined()
        await makeBindFolder(options)
        expect(await found(made)).toBe(`${made} d 755 0:0\n${made}/deep er d 755 0:0\n${made}/deep er/conf d 755 0:0\n`)
        const removal = { ...options, top: made, bornBefore: new Date(Date.now() + 60_000) }
        await expect(removeBindPath(removal)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining(`"${made}" cannot be removed`) as unknown })
        await host.sh(`rm -r ${made}`)
        await removeBindPath(removal)
      }), 60_000)
    })

    test('why a folder cannot be made is known before', () => withEngine('helper', async engine => {
      const readOnly = `${host.sharedDir}/read-only`
      const file = `${host.sharedDir}/file`
      await host.sh(`mkdir ${readOnly}; mount -t tmpfs -o ro none ${readOnly}; echo file > ${file}`)
      expect(await whyNotMade({ engine, path: `${readOnly}/a/b`, run, signal })).toBe(`"${readOnly}" is read-only, or not root's to change`)
      expect(await whyNotMade({ engine, path: `${file}/a/b`, run, signal })).toBe(`"${file}" is a file`)
      await host.sh(`umount ${readOnly}`)
    }), 60_000)
  })
}
