import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { boot, path } from './boot.ts'
import { must, run, type CommandResult } from './command.ts'
import { endDockerd, lastLines, startDockerd } from './dockerd.ts'
import { engines, type EngineName } from './engines.ts'
import { controlGroupOf } from './lab-run.ts'
import { joinRun, type Membership } from './membership.ts'
import { openSwitch, plugIn, setLink, setRate } from './network.ts'
import { ensurePackages } from './packages.ts'
import { requireRoot } from './requirements.ts'
import { sshAccess, sshdConfig, type SshAccess } from './ssh-access.ts'
import { makeCertificates, type TlsFiles } from './tls.ts'
import { treeFor } from './trees.ts'

export type HostOptions = {
  readonly engine: EngineName
  /** The host's own name; unique by default. */
  readonly name?: string
  /** The engine's data lies on an ext4 of this size in MiB. */
  readonly storageMib?: number
  readonly daemonJson?: Readonly<Record<string, unknown>>
  readonly insecureRegistries?: readonly string[]
  /** False: the engine's data is at a path that does not exist outside the host. */
  readonly seesOwnFiles?: boolean
  /** The engine also listens on tcp 2376 and demands a client certificate. */
  readonly tls?: boolean
  /** The engine also listens on tcp 2375, without any protection; not together with `tls`, which an engine has for all its ports. */
  readonly tcp?: boolean
}

export interface LabHost extends AsyncDisposable {
  readonly name: string
  readonly engine: EngineName
  /** The engine's socket, as a path of this machine. */
  readonly socket: string
  readonly address: string
  readonly ssh: SshAccess
  readonly tls: TlsFiles | undefined
  /** The engine's data root as the engine names it: the same path outside, unless `seesOwnFiles` is false. */
  readonly dataRoot: string
  /** A directory with the same path inside and outside, for bind mounts. */
  readonly sharedDir: string
  /** The host's first process: its namespaces are the host's. */
  readonly pid: number
  docker(args: readonly string[], options?: { input?: string | Buffer }): Promise<CommandResult>
  /** Runs a shell script in the host; rejects when it fails. */
  sh(script: string, options?: { input?: string | Buffer }): Promise<string>
  link(state: 'up' | 'down'): Promise<void>
  /** Limits the host's cable, in Mbit/s each way; no argument removes the limit. */
  rate(mbit?: number): Promise<void>
  /** SIGKILL; resolves when it is dead. */
  kill(what: 'dockerd'): Promise<void>
  /** Ends the engine in order, if it runs, and starts it again. */
  restartEngine(): Promise<void>
  logs(lines?: number): Promise<string>
}

/**
 * Starts a machine of its own for the tests: network, mounts, processes and name, with an engine and an ssh server. Disposing it
 * removes all of that. It needs root on Debian and says so; it installs packages that are missing.
 */
export async function startHost(options: HostOptions): Promise<LabHost> {
  requireRoot()
  if (options.tcp === true && options.tls === true) throw new Error('an engine listens with TLS or without it, not both')
  await ensurePackages('iproute2', 'iptables', 'openssh-client', 'openssh-server', 'openssl', 'e2fsprogs', 'util-linux', 'procps', 'mount')
  const membership = await joinRun()
  try {
    return await start(options, membership)
  } catch (error) {
    await membership.release()
    throw error
  }
}

async function start(options: HostOptions, membership: Membership): Promise<LabHost> {
  const { labRun, number, dir } = membership
  const { engine, name = `lab-${labRun.number}-${number}`, seesOwnFiles = true } = options
  const data = join(dir, 'data')
  const sharedDir = join(dir, 'shared')
  for (const each of [data, sharedDir, join(dir, 'docker-config')]) await mkdir(each)
  if (options.storageMib !== undefined) await mountDisk(dir, data, options.storageMib)

  const tree = await treeFor(options.engine, labRun)
  const hub = await openSwitch(labRun)
  const hiddenData = seesOwnFiles ? undefined : '/run/lab-data'
  const pid = await boot({ dir, hostname: name, tree, mounts: options.storageMib === undefined ? [] : [data], hiddenData })
  const address = await plugIn(hub, number, pid)
  const sh = (script: string, { input }: { input?: string | Buffer } = {}) =>
    must('nsenter', ['--target', String(pid), '--net', '--mount', '--uts', '--pid', 'sh', '-c', script], { env: { PATH: path, HOME: '/root' }, cwd: '/', ...(input === undefined ? {} : { input }) })

  const ssh = await sshAccess(labRun, address)
  await startSshd(ssh, address, dir, sh)

  const socket = join(dir, 'docker.sock')
  if (Buffer.byteLength(socket) > 107) throw new Error(`the socket's path is too long, choose a shorter TMPDIR: "${socket}"`)
  const tls = options.tls === true ? await makeCertificates(join(dir, 'tls'), address) : undefined
  const dataRoot = hiddenData ?? data
  const configPath = join(dir, 'daemon.json')
  await writeFile(configPath, JSON.stringify(daemonConfig(options, { dir, socket, address, dataRoot, tls }), null, 2))
  const daemon = { hostPid: pid, configPath, logPath: join(dir, 'dockerd.log'), socket }
  let dockerd = await startDockerd(daemon)

  const end = (signal: 'KILL' | 'TERM') => endDockerd(dockerd, pidFile, pid, signal)
  return {
    name, engine, socket, address, ssh, tls, dataRoot, sharedDir, pid, sh,
    docker: (args, { input } = {}) => run('docker', ['--host', `unix://${socket}`, ...args], { env: { PATH: process.env['PATH'], DOCKER_CONFIG: join(dir, 'docker-config') }, ...(input === undefined ? {} : { input }) }),
    link: state => setLink(hub, number, state),
    rate: mbit => setRate(hub, number, pid, mbit),
    kill: () => end('KILL'),
    restartEngine: async () => {
      await end('TERM')
      dockerd = await startDockerd(daemon)
    },
    logs: lines => lastLines(daemon.logPath, lines),
    [Symbol.asyncDispose]: () => membership.release(),
  }
}

const pidFile = '/run/docker.pid'

function daemonConfig({ engine, tcp, insecureRegistries = [], daemonJson = {} }: HostOptions, at: { dir: string; socket: string; address: string; dataRoot: string; tls: TlsFiles | undefined }): Record<string, unknown> {
  const { dir, socket, address, dataRoot, tls } = at
  return {
    'data-root': dataRoot,
    'pidfile': pidFile,
    'hosts': ['unix:///run/docker.sock', `unix://${socket}`, ...(tls ? [`tcp://${address}:2376`] : []), ...(tcp === true ? [`tcp://${address}:2375`] : [])],
    'cgroup-parent': `/${controlGroupOf(dir)}`,
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'insecure-registries': insecureRegistries,
    ...(tls ? { tlsverify: true, tlscacert: tls.ca, tlscert: tls.serverCert, tlskey: tls.serverKey } : {}),
    ...(tcp === true ? { tls: false } : {}), // said expressly, or 20.10 waits 15 seconds and 28 refuses
    'features': engines[engine].features,
    ...daemonJson,
  }
}

async function mountDisk(dir: string, data: string, mebibytes: number): Promise<void> {
  const image = join(dir, 'disk.img')
  await must('truncate', ['-s', `${mebibytes}M`, image])
  await must('mkfs.ext4', ['-q', '-m', '0', image])
  await must('mount', ['-o', 'loop', image, data])
}

async function startSshd(ssh: SshAccess, address: string, dir: string, sh: (script: string) => Promise<string>): Promise<void> {
  const config = join(dir, 'sshd_config')
  await writeFile(config, sshdConfig(address))
  const [hostKey, keys] = await Promise.all([readFile(ssh.hostKey, 'utf8'), readFile(ssh.authorizedKeys, 'utf8')])
  await writeFile(join(dir, 'host_key'), hostKey, { mode: 0o600 })
  await writeFile(join(dir, 'authorized_keys'), keys)
  await sh(`cp ${join(dir, 'host_key')} ${join(dir, 'authorized_keys')} /run/sshd/ && chmod 600 /run/sshd/* && /usr/sbin/sshd -f ${config} -E ${join(dir, 'sshd.log')}`)
}
