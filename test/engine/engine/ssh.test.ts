import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connectEngine } from '../../../src/engine/connect.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { waitUntil } from '../../lab/wait.ts'
import { expectEverythingWorks, readAll } from './verbs-contract.ts'

const limit = 120_000
const image = 'busybox:1'

describe('ssh', () => {
  let host: LabHost
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'access-'))
    host = await startHost({ engine: '20.10' })
    await busyboxImage(host, image)
  }, limit)
  afterAll(async () => {
    await host[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  }, limit)
  const sshWith = async (name: string, options: string): Promise<NodeJS.ProcessEnv> => {
    const bin = join(dir, `bin-${name}`)
    await mkdir(bin)
    await writeFile(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh ${options} -F ${host.ssh.configPath} "$@"\n`, { mode: 0o755 })
    return { HOME: dir, PATH: `${bin}:${process.env['PATH'] ?? ''}` }
  }

  test('a server that opens one session on a connection', async () => {
    await host.sh(`sed 's/^MaxSessions .*/MaxSessions 1/; s/^PidFile .*/PidFile none/; 1i Port 2222' ${join(host.sharedDir, '..', 'sshd_config')} > /run/sshd_one && /usr/sbin/sshd -f /run/sshd_one`)
    const engine = await connectEngine({ host: `${host.ssh.endpoint}:2222`, env: await sshWith('one', `-o HostKeyAlias=${host.address}`) })
    try {
      const downloads = await Promise.all(Array.from({ length: 5 }, async () => engine.images.save(image)))
      const sizes = (await Promise.all(downloads.map(readAll))).map(each => each.length)
      expect(new Set(sizes).size).toBe(1)
      await expectEverythingWorks(engine, image)
    } finally {
      await engine.close()
    }
  }, limit)

  test("the user's own shared connection, where a new login is refused", async () => {
    const control = join(dir, 'own')
    const own = spawn('/usr/bin/ssh', ['-F', host.ssh.configPath, '-M', '-N', '-S', control, `root@${host.address}`], { stdio: 'ignore' })
    try {
      await waitUntil(() => existsSync(control), 'the shared connection')
      const engine = await connectEngine({ host: host.ssh.endpoint, env: await sshWith('own', `-o ControlPath=${control} -o PubkeyAuthentication=no`) })
      expect((await engine.shell!.run(['hostname'])).stdout.toString().trim()).toBe(host.name)
      await engine.close()
      expect(own.exitCode).toBeNull()
    } finally {
      own.kill()
      await once(own, 'close')
    }
  }, limit)

  test('settings of the user that would get in the way', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const settings = ['RequestTTY force', 'RemoteCommand false', 'ControlMaster auto', 'ControlPersist 60', `ControlPath ${join(dir, 'user-%C')}`, `LocalForward 127.0.0.1:${port} localhost:1`, 'ExitOnForwardFailure yes']
    const config = join(dir, 'config')
    await writeFile(config, [...settings, `Include ${host.ssh.configPath}`, ''].join('\n'))
    const bin = join(dir, 'bin-way')
    await mkdir(bin)
    await writeFile(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${config} "$@"\n`, { mode: 0o755 })
    const engine = await connectEngine({ host: host.ssh.endpoint, env: { HOME: dir, PATH: `${bin}:${process.env['PATH'] ?? ''}` } })
    await engine.close()
    taken.close()
    expect((await readdir(dir)).filter(each => each.startsWith('user-'))).toEqual([])
  }, limit)

  test('a shell with input, an environment, a failing program and an abort', async () => {
    const engine = await connectEngine({ host: host.ssh.endpoint, env: { HOME: dir, ...host.ssh.env } })
    try {
      const shell = engine.shell!
      const bytes = Buffer.from([...Array(256).keys()])
      expect((await shell.run(['cat'], { input: bytes })).stdout).toEqual(bytes)
      expect(await shell.run(['sh', '-c', 'echo "$0" >&2; exit 7', "it's \"$(id)\" \\ \n é"])).toMatchObject({ exitCode: 7, stderr: "it's \"$(id)\" \\ \n é\n" })
      const withEnv = shell.start(['sh', '-c', 'printf %s "$GREETING"'], { env: { GREETING: "it's $HOME" } })
      withEnv.stdin.end()
      expect((await readAll(withEnv.stdout)).toString()).toBe("it's $HOME")
      expect(await shell.run(['no-such-program'])).toMatchObject({ exitCode: 127, stderr: expect.stringContaining('not found') })
      const abort = new AbortController()
      const sleeping = shell.start(['sleep', '1000'], { signal: abort.signal })
      abort.abort()
      expect(await sleeping.exited).toMatchObject({ exitCode: null, signalName: 'SIGKILL' })
      shell.start(['sleep', '1000'])
    } finally {
      await engine.close()
    }
  }, limit)

  /** A process that connects, says so, and lists the containers for every line that it reads. */
  const startClient = async (): Promise<{ client: ChildProcess; next: () => Promise<string> }> => {
    const module = new URL('../../../src/engine/connect.js', import.meta.url).href
    const script = `import { connectEngine } from '${module}'
      import { createInterface } from 'node:readline'
      process.on('SIGINT', () => console.log('interrupted'))
      const engine = await connectEngine({ host: process.argv[1], env: process.env })
      console.log('connected')
      for await (const line of createInterface({ input: process.stdin })) console.log(line, (await engine.containers.list()).length)
      await engine.close()
      console.log('closed')`
    const client = spawn(process.execPath, ['--input-type=module', '-e', script, host.ssh.endpoint], { stdio: ['pipe', 'pipe', 'inherit'], detached: true, env: { ...process.env, ...host.ssh.env, TMPDIR: dir } })
    const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]()
    const next = async (): Promise<string> => String((await lines.next()).value)
    expect(await next()).toBe('connected')
    return { client, next }
  }
  const controlDirs = async (): Promise<string[]> => (await readdir(dir)).filter(each => each.startsWith('dray-'))
  const processesOf = async (control: string): Promise<string[]> => {
    const commands = await Promise.all((await readdir('/proc')).filter(each => /^\d+$/.test(each)).map(async pid => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
    return commands.filter(each => each.includes(control))
  }

  test('Ctrl-C does not cut the connections that undoing needs', async () => {
    const { client, next } = await startClient()
    process.kill(-client.pid!, 'SIGINT')
    expect(await next()).toBe('interrupted')
    const [control] = await controlDirs()
    expect(existsSync(join(dir, control!, 'ctl'))).toBe(true)
    client.stdin!.write('still\n')
    expect(await next()).toBe('still 0')
    client.stdin!.end()
    expect(await next()).toBe('closed')
    await once(client, 'close')
    expect(client.exitCode).toBe(0)
    expect(await controlDirs()).toEqual([])
  }, limit)

  test('a killed process leaves no connection behind', async () => {
    const { client } = await startClient()
    const [control] = await controlDirs()
    expect(await processesOf(control!)).not.toEqual([])
    client.kill('SIGKILL')
    await waitUntil(async () => (await processesOf(control!)).length === 0, 'the end of ssh')
    await waitUntil(async () => (await controlDirs()).length === 0, 'the removal of its socket')
  }, limit)
})
