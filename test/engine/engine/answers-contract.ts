import { expect, test } from '@jest/globals'
import { connectEngine } from '../../../src/engine/connect.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import type { EngineName } from '../../lab/engines.ts'
import { startHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { expectEverythingWorks, inPieces, readAll } from './verbs-contract.ts'

const image = 'busybox:1'

/** The answers of one kind of engine, read as every caller may rely on. */
export function testAnswers(engineName: EngineName, apiVersion: string, store: 'graphdriver' | 'containerd'): void {
  test(`an engine ${engineName}`, async () => {
    await using host = await startHost({ engine: engineName })
    await busyboxImage(host, image)
    for (const address of [`unix://${host.socket}`, host.ssh.endpoint]) {
      const engine = await connectEngine({ host: address, env: { ...process.env, ...host.ssh.env } })
      try {
        expect(engine.facts).toMatchObject({ apiVersion, store, name: host.name, os: 'linux', rootDir: host.dataRoot, rootless: false, userns: false, loggingDriver: 'json-file' })
        expect(engine.facts.runtimes).toContain('runc')
        await expectEverythingWorks(engine, image)
        await expectAnswers(engine)
      } finally {
        await engine.close()
      }
    }
  }, 300_000)
}

async function expectAnswers(engine: Engine): Promise<void> {
  const { containers, images, volumes, networks } = engine
  const create = async (name: string, more: Record<string, unknown> = {}): Promise<string> => (await containers.create({ Image: image, Cmd: ['sleep', '1000'], ...more }, { name })).id
  const id = await create('first')
  try {
    await expect(create('first')).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/^creating container "first": Conflict\. /) })
    await expect(containers.inspect('nobody')).rejects.toMatchObject({ code: 'not-found', message: 'inspecting container "nobody": No such container: nobody' })
    await expect(containers.inspect('odd?name=1#x')).rejects.toMatchObject({ code: 'not-found' })
    await expect(containers.create({ Image: 'none:1' }, {})).rejects.toMatchObject({ code: 'not-found' })
    await expect(containers.create({ Image: image, HostConfig: { Memory: 1 } }, {})).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('memory') })
    await expect(containers.unpause(id)).rejects.toMatchObject({ code: 'conflict' })
    expect(await containers.changes(id)).toEqual([])
    await containers.start(id)
    await containers.pause(id)
    await expect(containers.pause(id)).rejects.toMatchObject({ code: 'conflict' })
    expect((await containers.inspect(id, { size: true })).SizeRw).toBeGreaterThanOrEqual(0)
    await containers.unpause(id)
    await containers.exec(id, ['sh', '-c', 'echo hello > /new; echo $WHO; id -u'], { env: ['WHO=me'], user: 'nobody' }).then(run => expect(run.stdout.toString()).toBe('me\n65534\n'))
    await containers.exec(id, ['sh', '-c', 'echo hello > /new'])
    expect(await containers.changes(id)).toContainEqual({ Path: '/new', Kind: 1 })
    const committed = await containers.commit({ container: id, repo: 'committed', tag: 'one', author: 'me', comment: 'note', changes: ['ENV A=1 B=2', 'LABEL c=d'], pause: true })
    expect(await images.inspect('committed:one')).toMatchObject({ Id: committed, Config: { Env: expect.arrayContaining(['A=1', 'B=2', 'PATH=/bin']), Cmd: ['sleep', '1000'], Labels: { c: 'd' } } })
    expect((await images.history('committed:one'))[0]).toMatchObject({ Comment: 'note' })
    await images.tag('committed:one', 'localhost:5000/other/name', 'two')
    expect((await images.list({ filters: { reference: ['localhost:5000/other/name'] } })).map(each => each.RepoTags)).toEqual([expect.arrayContaining(['localhost:5000/other/name:two'])])
    await images.remove('localhost:5000/other/name:two')
    await images.remove('committed:one', { force: true })
    await images.remove('committed:one')
    await containers.rename(id, 'second')
    expect((await containers.list({ name: ['second'] })).map(each => each.Names)).toEqual([['/second']])
    await containers.kill(id, 'KILL')
    expect(await containers.wait(id, 'not-running')).toBe(137)
    // It runs for longer than the engine needs to take up the wait: one that had ended before would be waited for without end.
    const short = await create('short', { Cmd: ['sh', '-c', 'sleep 2; exit 5'] })
    await containers.start(short)
    expect(await containers.wait(short, 'next-exit')).toBe(5)
    await containers.update(id, { RestartPolicy: { Name: 'no' } })

    const talker = await create('talker', { Cmd: ['sh', '-c', 'echo one; echo two >&2; exit 4'] })
    await containers.start(talker)
    expect(await containers.wait(talker, 'not-running')).toBe(4)
    expect((await containers.logs(talker, { tail: 10 })).split('\n').sort()).toEqual(['', 'one', 'two'])
    const terminal = await create('terminal', { Cmd: ['sh', '-c', 'echo one; echo two >&2'], Tty: true })
    const streams = await containers.attach(terminal, { stdin: false, stdout: true, stderr: true })
    await containers.start(terminal)
    expect((await readAll(streams.stdout)).toString()).toBe('one\r\ntwo\r\n')
    expect(await containers.logs(terminal, { tail: 1 })).toBe('two\r\n')

    await volumes.create({ Name: 'data', Labels: { a: 'b' } })
    expect(await volumes.inspect('data')).toMatchObject({ Driver: 'local', Labels: { a: 'b' } })
    expect((await volumes.list({ name: ['data'] })).map(each => each.Name)).toEqual(['data'])
    const user = await create('user', { HostConfig: { Binds: ['data:/data'] } })
    await expect(volumes.remove('data')).rejects.toMatchObject({ code: 'conflict' })
    await containers.remove(user)
    await volumes.remove('data')
    await volumes.remove('data')
    await expect(volumes.inspect('data')).rejects.toMatchObject({ code: 'not-found' })

    const net = await networks.create({ Name: 'net', IPAM: { Config: [{ Subnet: '10.99.1.0/24' }] } })
    await expect(networks.create({ Name: 'net2', IPAM: { Config: [{ Subnet: '10.99.1.0/25' }] } })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('overlaps') })
    await networks.connect(net, { Container: id })
    expect((await networks.inspect('net')).Id).toBe(net)
    expect((await networks.list({ name: ['net'] })).map(each => each.Name)).toEqual(['net'])
    await networks.disconnect(net, { Container: id })
    await networks.remove(net)
    await networks.remove(net)

    const port = { ExposedPorts: { '80/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8099' }] } } }
    await containers.start(await create('port1', port))
    await create('port2', port)
    await expect(containers.start('port2')).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/^starting container "port2": .*(port is already allocated|address already in use)/s) })

    const rootfs = await readAll(await containers.export(id))
    const imported = await images.importRootfs(inPieces(rootfs), { repo: 'flat', tag: '1', changes: ['CMD ["sh"]', 'ENV X=1'], message: 'flat' })
    expect(await images.inspect(imported)).toMatchObject({ Config: { Cmd: ['sh'], Env: ['X=1'] } })
    await images.remove('flat:1')
    await expect(images.importRootfs(inPieces(rootfs.subarray(0, rootfs.length / 2)), {})).rejects.toMatchObject({ code: 'refused' })
    await expect(images.save('none:1')).rejects.toMatchObject({ code: 'not-found' })
    await expect(images.load(inPieces(Buffer.from('no tar')))).rejects.toMatchObject({ code: 'refused' })
    await expect(containers.statArchive(id, '/none')).rejects.toMatchObject({ code: 'not-found' })
    await expect(containers.getArchive(id, '/none')).rejects.toMatchObject({ code: 'not-found' })
  } finally {
    for (const each of await containers.list()) await containers.remove(each.Id, { force: true, volumes: true })
  }
}
