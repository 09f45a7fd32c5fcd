import { spawn } from 'node:child_process'
import { open, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { must } from './command.ts'
import { lastLines } from './dockerd.ts'
import type { LabHost } from './host.ts'
import { recordProcess } from './lab-run.ts'
import { joinRun } from './membership.ts'
import { openSwitch } from './network.ts'
import { ensurePackages } from './packages.ts'
import { requireRoot } from './requirements.ts'
import { killAndWait, type ProcessIdentity } from './process-identity.ts'
import { makeCertificates } from './tls.ts'
import type { TokenServer } from './token-server.ts'
import { waitUntil } from './wait.ts'

export type RegistryOptions = {
  /** Runs it in this host's network, where the engine finds it at 127.0.0.1 and needs no configuration. */
  readonly host?: LabHost
  readonly auth?: { readonly username: string; readonly password: string }
  /** Instead of `auth`: who the clients have to get their tokens from. */
  readonly tokens?: TokenServer
  readonly tls?: boolean
  /** Whether manifests and blobs can be deleted; yes by default. */
  readonly deletion?: boolean
}

export interface LabRegistry extends AsyncDisposable {
  /** `address:port`, reached from this machine and from all hosts. */
  readonly address: string
  /** `127.0.0.1:port`, for the engine of the host that it runs in. */
  readonly loopback: string
  readonly url: string
  /** The certificate authority, when it serves TLS. */
  readonly ca: string | undefined
  /** Where its storage lies. */
  readonly dataDir: string
  /** Makes a host's engine trust the certificate. */
  trustIn(host: LabHost): Promise<void>
  /** Deletes what nothing refers to, as its own garbage collector does; `untagged` also deletes manifests without a tag. */
  collectGarbage(options?: { untagged?: boolean }): Promise<void>
  logs(lines?: number): Promise<string>
  /** Kills it, without warning. */
  stop(): Promise<void>
  /** Starts it again, at the same address with the same storage. */
  start(): Promise<void>
}

/** Starts Debian's registry (2.8) and waits until it listens. Disposing it removes it with its storage. */
export async function startRegistry(options: RegistryOptions = {}): Promise<LabRegistry> {
  requireRoot()
  await ensurePackages('docker-registry', 'iproute2', 'openssl')
  const membership = await joinRun()
  const { labRun, number, dir } = membership
  try {
    const hub = await openSwitch(labRun)
    const networkPid = options.host?.pid ?? hub.pid
    const host = options.host?.address ?? `${hub.prefix}.254`
    const port = 5000 + number
    const tls = options.tls === true ? await makeCertificates(join(dir, 'tls'), host) : undefined
    const dataDir = join(dir, 'registry')
    const config = join(dir, 'registry.yml')
    await writeFile(config, JSON.stringify({
      version: '0.1',
      log: { accesslog: { disabled: true }, level: 'info' },
      storage: { filesystem: { rootdirectory: dataDir }, delete: { enabled: options.deletion ?? true } },
      http: { addr: `0.0.0.0:${port}`, ...(tls ? { tls: { certificate: tls.serverCert, key: tls.serverKey } } : {}) },
      ...(options.tokens ? { auth: { token: options.tokens.registrySettings } } : {}),
      ...(options.auth ? { auth: { htpasswd: { realm: 'lab', path: await passwordFile(dir, options.auth) } } } : {}),
    }))
    const logPath = join(dir, 'registry.log')
    let identity: ProcessIdentity
    const start = async (): Promise<void> => {
      const log = await open(logPath, 'a')
      const child = spawn('nsenter', [`--net=/proc/${networkPid}/ns/net`, 'setpriv', '--pdeathsig', 'KILL', 'docker-registry', 'serve', config], { cwd: '/', stdio: ['ignore', log.fd, log.fd] })
      await log.close()
      identity = await recordProcess(dir, child.pid!)
      await waitUntil(async () => {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the registry ended:\n${await lastLines(logPath)}`)
        return await isListening(host, port)
      }, 'the registry')
      child.unref()
    }
    await start()
    const address = `${host}:${port}`
    return {
      address, loopback: `127.0.0.1:${port}`, url: `${tls ? 'https' : 'http'}://${address}`, ca: tls?.ca, dataDir,
      trustIn: async trusting => {
        if (tls === undefined) throw new Error('a registry without TLS cannot be trusted: use insecureRegistries')
        const certificates = `/etc/docker/certs.d/${address}`
        await trusting.sh(`mkdir -p ${certificates} && cat > ${certificates}/ca.crt`, { input: await readFile(tls.ca) })
      },
      collectGarbage: async ({ untagged = false } = {}) => {
        await must('docker-registry', ['garbage-collect', ...(untagged ? ['--delete-untagged'] : []), config])
      },
      stop: () => killAndWait(identity),
      start,
      logs: lines => lastLines(logPath, lines),
      [Symbol.asyncDispose]: () => membership.release(),
    }
  } catch (error) {
    await membership.release()
    throw error
  }
}

/** The registry takes bcrypt only; perl's crypt() has it on every Debian. */
async function passwordFile(dir: string, { username, password }: { username: string; password: string }): Promise<string> {
  const file = join(dir, 'htpasswd')
  const hash = await must('perl', ['-e', 'print crypt($ARGV[0], q($2b$05$abcdefghijklmnopqrstuu))', password])
  await writeFile(file, `${username}:${hash}\n`, { mode: 0o600 })
  return file
}

function isListening(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: 1000 })
    const answer = (is: boolean) => () => {
      socket.destroy()
      resolve(is)
    }
    socket.on('connect', answer(true)).on('timeout', answer(false)).on('error', answer(false))
  })
}
