import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectEngine } from '../../../src/engine/connect.ts'
import { must } from '../../lab/command.ts'
import { startHost, type LabHost } from '../../lab/host.ts'

const limit = 120_000

type Case = { host: string; env?: NodeJS.ProcessEnv; code: string; message: string | RegExp; hint: RegExp | undefined }

describe('what is said when an engine cannot be reached', () => {
  let secure: LabHost
  let plain: LabHost
  let dir: string
  let silent: Server
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'access-'))
    secure = await startHost({ engine: '20.10', tls: true })
    plain = await startHost({ engine: '20.10', tcp: true })
    silent = createServer(socket => void socket.end('SSH-2.0-what\r\n')).listen(0, '127.0.0.1')
    await writeFile(join(dir, 'file'), '')
    await mkdir(join(dir, 'other'))
    await must('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=other', '-keyout', join(dir, 'other', 'key.pem'), '-out', join(dir, 'other', 'cert.pem')])
    await cp(join(secure.tls!.clientDir, 'ca.pem'), join(dir, 'other', 'ca.pem'))
    await mkdir(join(dir, 'strange'))
    await cp(secure.tls!.clientDir, join(dir, 'strange'), { recursive: true })
    await cp(join(dir, 'other', 'cert.pem'), join(dir, 'strange', 'ca.pem'))
  }, limit)
  afterAll(async () => {
    silent.close()
    await secure[Symbol.asyncDispose]()
    await plain[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  }, limit)

  /** A PATH whose ssh runs the lab's with more options in front. */
  const sshWith = async (name: string, options: string): Promise<NodeJS.ProcessEnv> => {
    const bin = join(dir, `bin-${name}`)
    await mkdir(bin)
    await writeFile(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh ${options} -F ${plain.ssh.configPath} "$@"\n`)
    await chmod(join(bin, 'ssh'), 0o755)
    return { PATH: `${bin}:${process.env['PATH'] ?? ''}` }
  }
  const refused = async ({ host, env = {}, code, message, hint }: Case): Promise<void> => {
    const temporary = await mkdtemp(join(dir, 'tmp-'))
    const failure = await connectEngine({ host, env: { PATH: process.env['PATH'], HOME: dir, TMPDIR: temporary, ...env } }).then(() => undefined, (thrown: unknown) => thrown)
    expect(failure).toMatchObject({ name: 'DrayError', code, message: typeof message === 'string' ? message : expect.stringMatching(message), hints: hint === undefined ? [] : expect.arrayContaining([expect.stringMatching(hint)]) })
    expect(await readdir(temporary)).toEqual([])
  }

  test('a socket that does not exist', async () => refused({ host: `unix://${dir}/none.sock`, code: 'engine-unreachable', message: `cannot connect to the engine at "unix://${dir}/none.sock" (from -H): the socket does not exist`, hint: /is dockerd running/ }))
  test('a file that is no socket', async () => refused({ host: `unix://${dir}/file`, code: 'engine-unreachable', message: /: the connection was refused$/, hint: /is dockerd running/ }))
  test('the variable is named', async () => refused({ host: '', env: { DOCKER_HOST: `unix://${dir}/none.sock` }, code: 'engine-unreachable', message: /\(from DOCKER_HOST\): the socket does not exist$/, hint: /is dockerd running/ }))
  test('a port where nothing listens', async () => refused({ host: 'tcp://127.0.0.1:1', code: 'engine-unreachable', message: 'cannot connect to the engine at "tcp://127.0.0.1:1" (from -H): the connection was refused', hint: /listening/ }))
  test('a name that is unknown', async () => refused({ host: 'tcp://no-such-host.invalid', code: 'engine-unreachable', message: /the name (is unknown|cannot be resolved now)$/, hint: /host name/ }))
  test('something that does not speak HTTP', async () => refused({ host: `tcp://127.0.0.1:${(silent.address() as AddressInfo).port}`, code: 'engine-unreachable', message: /does not speak HTTP$/, hint: /port/ }))
  test('no TLS where the engine wants it', async () => refused({ host: secure.tls!.endpoint, code: 'engine-unreachable', message: /: it wants TLS$/, hint: /DOCKER_TLS_VERIFY=1/ }))
  test('TLS where the engine has none', async () => refused({ host: `tcp://${plain.address}:2375`, env: { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: secure.tls!.clientDir }, code: 'engine-unreachable', message: /: it does not speak TLS$/, hint: /unset/ }))
  test('a certificate of ours that the engine does not know', async () => refused({ host: secure.tls!.endpoint, env: { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: join(dir, 'other') }, code: 'unauthorized', message: /: the engine refused our TLS certificate \([^:]*alert[^:]*\)$/, hint: /cert\.pem/ }))
  test('no certificate of ours', async () => {
    await mkdir(join(dir, 'ca-only'))
    await cp(join(secure.tls!.clientDir, 'ca.pem'), join(dir, 'ca-only', 'ca.pem'))
    await refused({ host: secure.tls!.endpoint, env: { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: join(dir, 'ca-only') }, code: 'unauthorized', message: /: the engine refused our TLS certificate/, hint: /cert\.pem/ })
  })
  test('a certificate of the engine that we do not know', async () => refused({ host: secure.tls!.endpoint, env: { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: join(dir, 'strange') }, code: 'unauthorized', message: /: the engine's TLS certificate is not trusted: /, hint: /ca\.pem/ }))
  test('a context that does not exist', async () => refused({ host: 'nowhere', code: 'not-found', message: 'there is no docker context "nowhere"', hint: /"default"/ }))

  test('an unknown host key', async () => refused({ host: plain.ssh.endpoint, env: await sshWith('key', '-o UserKnownHostsFile=/dev/null'), code: 'unauthorized', message: /\(from -H\): its host key is not known: ".*verification failed\."$/, hint: /run once, .*: ssh -l root / }))
  test('a changed host key', async () => {
    const known = join(dir, 'known_hosts')
    await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'wrong')])
    await must('sh', ['-c', `printf '%s ' '${plain.address}' > ${known}; cat ${join(dir, 'wrong.pub')} >> ${known}`])
    await refused({ host: plain.ssh.endpoint, env: await sshWith('changed', `-o UserKnownHostsFile=${known}`), code: 'unauthorized', message: /its host key is not the one that is known/, hint: /ssh-keygen -R/ })
  })
  test('a login that is refused', async () => refused({ host: plain.ssh.endpoint, env: await sshWith('login', '-o IdentityFile=/dev/null -o PubkeyAuthentication=no'), code: 'unauthorized', message: /ssh was not let in: ".*Permission denied/, hint: /ssh-copy-id/ }))
  test('no ssh server', async () => refused({ host: 'ssh://127.0.0.1:1', code: 'engine-unreachable', message: /no ssh server answers there/, hint: /port/ }))
  test('no ssh client', async () => refused({ host: plain.ssh.endpoint, env: { PATH: dir }, code: 'engine-unreachable', message: /: the program ssh is not in the PATH$/, hint: /openssh-client/ }))
  test('no engine at the socket on the host', async () => refused({ host: `${plain.ssh.endpoint}${plain.socket}.none`, env: plain.ssh.env, code: 'engine-unreachable', message: /no engine answers there: "/, hint: /systemctl status docker/ }))
  test('an abort while it connects', async () => {
    const reason = new Error('enough')
    const abort = new AbortController()
    const connecting = connectEngine({ host: plain.ssh.endpoint, env: { HOME: dir, ...plain.ssh.env }, signal: abort.signal })
    abort.abort(reason)
    await expect(connecting).rejects.toBe(reason)
  })
})
