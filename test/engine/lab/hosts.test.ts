import { describe, expect, test } from '@jest/globals'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ping } from '../../lab/dockerd.ts'
import { startHost } from '../../lab/host.ts'
import { said, testHosts } from '../../lab/hosts-contract.ts'
import { busyboxImage } from '../../lab/images.ts'
import { currentRun, labBase, removeDeadRuns } from '../../lab/lab-run.ts'
import { inNetwork, openSwitch } from '../../lab/network.ts'
import { startRegistry } from '../../lab/registry.ts'
import { must, run } from '../../lab/command.ts'

const limit = 120_000

describe('engine 20.10', () => {
  testHosts('20.10')

  test('a bind from the shared directory, and data that is not where the engine says', async () => {
    await using host = await startHost({ engine: '20.10', seesOwnFiles: false })
    await busyboxImage(host, 'busybox:1')
    writeFileSync(join(host.sharedDir, 'note'), 'seen')
    expect(await said(host, 'run', '--rm', '-v', `${host.sharedDir}:/shared`, '-v', 'vol:/vol', 'busybox:1', 'cat', '/shared/note')).toBe('seen')
    const mountpoint = await said(host, 'volume', 'inspect', '--format', '{{.Mountpoint}}', 'vol')
    expect(mountpoint.startsWith(host.dataRoot)).toBe(true)
    expect(existsSync(mountpoint)).toBe(false)
    expect(await host.sh(`test -d ${mountpoint} && echo inside`)).toBe('inside\n')
  }, limit)

  test('a login runs nothing of what root has for its shells on this machine', async () => {
    await using host = await startHost({ engine: '20.10' })
    const { exitCode, stdout } = await run('ssh', ['-F', host.ssh.configPath, host.address, 'cd; for each in .bashrc .profile .bash_profile .bash_login; do if [ -s "$each" ]; then echo "$each"; fi; done'])
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' })
  }, limit)

  test('a small disk fills up', async () => {
    await using host = await startHost({ engine: '20.10', storageMib: 64 })
    await busyboxImage(host, 'busybox:1')
    const full = await host.docker(['run', '--rm', '-v', 'vol:/vol', 'busybox:1', 'dd', 'if=/dev/zero', 'of=/vol/big', 'bs=1M', 'count=200'])
    expect(full.exitCode).toBe(1)
    expect(full.stderr).toContain('No space left on device')
  }, limit)

  test('the cable goes down and up', async () => {
    await using host = await startHost({ engine: '20.10', tcp: true })
    const answers = async () => (await run('docker', ['-H', `tcp://${host.address}:2375`, 'version'], { env: { PATH: process.env['PATH'] } })).exitCode === 0
    expect(await answers()).toBe(true)
    await host.link('down')
    const lost = await fetch(`http://${host.address}:2375/_ping`, { signal: AbortSignal.timeout(500) }).catch((error: unknown) => error)
    expect(lost).toHaveProperty('name', 'TimeoutError')
    expect(await ping(host.socket)).toBe(true)
    await host.link('up')
    expect(await answers()).toBe(true)
  }, limit)

  test('the cable has a rate', async () => {
    await using host = await startHost({ engine: '20.10' })
    const seconds = async (bytes: number) => {
      const start = performance.now()
      const { exitCode, stdout } = await run('ssh', [`root@${host.address}`, `head -c ${bytes} /dev/zero | tr '\\0' x`], { env: { ...process.env, ...host.ssh.env } })
      expect([exitCode, stdout.length]).toEqual([0, bytes])
      return (performance.now() - start) / 1000
    }
    await host.rate(8)
    expect(await seconds(2_000_000)).toBeGreaterThan(1.5)
    await host.rate()
    expect(await seconds(2_000_000)).toBeLessThan(1.5)
  }, limit)

  test('the engine is killed and started again', async () => {
    await using host = await startHost({ engine: '20.10' })
    await said(host, 'volume', 'create', 'kept')
    await host.kill('dockerd')
    expect(await ping(host.socket)).toBe(false)
    await host.restartEngine()
    expect(await said(host, 'volume', 'ls', '-q')).toBe('kept')
  }, limit)

  test('TLS takes the client that has a certificate and no other', async () => {
    await using host = await startHost({ engine: '20.10', tls: true })
    const docker = (env: NodeJS.ProcessEnv) => run('docker', ['-H', host.tls!.endpoint, 'ps', '--quiet'], { env: { PATH: process.env['PATH'], ...env } })
    expect(await docker({ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: host.tls!.clientDir })).toMatchObject({ stdout: '', exitCode: 0 })
    expect((await docker({})).exitCode).not.toBe(0)
  }, limit)

  test('an engine that cannot start is a failure that says why, and is removed', async () => {
    await expect(startHost({ engine: '20.10', name: 'broken', daemonJson: { 'storage-driver': 'none-such' } })).rejects.toThrow('none-such')
  }, limit)

  test('what a killed process leaves is removed by the next', async () => {
    const script = `import { startHost } from ${JSON.stringify(new URL('../../lab/host.js', import.meta.url).href)}
      const host = await startHost({ engine: '20.10', storageMib: 64 })
      process.stdout.write(host.dataRoot, () => process.kill(process.pid, 'SIGKILL'))`
    const child = await run(process.execPath, ['--input-type=module', '--eval', script], { env: { ...process.env, DRAY_LAB_RUN: undefined } })
    expect(child).toMatchObject({ exitCode: 128, stdout: expect.stringContaining(labBase()) })
    const dataRoot = child.stdout
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).toContain(dataRoot)
    await removeDeadRuns()
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(dataRoot)
    expect(existsSync(dirname(dirname(dataRoot)))).toBe(false)
  }, limit)
})

describe('registry', () => {
  test('with a password and TLS, reached from a host', async () => {
    const auth = { username: 'ann', password: 'secret' }
    await using registry = await startRegistry({ auth, tls: true })
    await using host = await startHost({ engine: '20.10' })
    await registry.trustIn(host)
    const name = `${registry.address}/app:1`
    await busyboxImage(host, name)
    expect((await host.docker(['push', name])).exitCode).not.toBe(0)
    await host.docker(['login', '--username', auth.username, '--password-stdin', registry.address], { input: auth.password })
    await said(host, 'push', name)
    await said(host, 'rmi', name)
    await said(host, 'pull', name)
  }, limit)

  test('in the network of a host, at its loopback address', async () => {
    await using host = await startHost({ engine: '20.10' })
    await using registry = await startRegistry({ host })
    await busyboxImage(host, `${registry.loopback}/app:1`)
    await said(host, 'push', `${registry.loopback}/app:1`)
    expect(await (await fetch(`${registry.url}/v2/_catalog`)).json()).toEqual({ repositories: ['app'] })
  }, limit)

  test('whoever has spoken to it still finds it when a cable is gone', async () => {
    await using registry = await startRegistry()
    const hub = await openSwitch(currentRun()!)
    await inNetwork(hub.pid, ['ip', '-batch', '-'], ['link add low address 00:00:00:00:00:01 type veth peer name high', 'link set low master lab up'])
    await must('ip', ['neigh', 'flush', 'to', `${hub.prefix}.254`])
    const answer = async () => (await fetch(`${registry.url}/v2/`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5000) })).status
    expect(await answer()).toBe(200)
    await inNetwork(hub.pid, ['ip', 'link', 'delete', 'low'])
    expect(await answer()).toBe(200)
  }, limit)
})
