import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from './command.ts'
import type { LabRun } from './lab-run.ts'
import { withLock } from './lock.ts'

/** What a client needs to reach the run's hosts by ssh, without the user's own ~/.ssh. */
export type SshAccess = {
  readonly endpoint: string
  readonly configPath: string
  readonly knownHosts: string
  readonly identityFile: string
  /** `PATH` begins with a wrapper `ssh` that runs the system's with `configPath`. */
  readonly env: { readonly PATH: string }
  readonly hostKey: string
  readonly authorizedKeys: string
}

/** One client key and one host key for the whole run; made by whoever needs them first. */
export async function sshAccess(labRun: LabRun, address: string): Promise<SshAccess> {
  const dir = join(labRun.dir, 'ssh')
  await withLock(dir, () => makeKeys(dir, `10.213.${labRun.number}.*`))
  return {
    endpoint: `ssh://root@${address}`,
    configPath: join(dir, 'config'),
    knownHosts: join(dir, 'known_hosts'),
    identityFile: join(dir, 'id'),
    env: { PATH: `${join(dir, 'bin')}:${process.env['PATH'] ?? ''}` },
    hostKey: join(dir, 'host'),
    authorizedKeys: join(dir, 'id.pub'),
  }
}

async function makeKeys(dir: string, hosts: string): Promise<void> {
  const made = await readFile(join(dir, 'config')).catch(() => undefined)
  if (made !== undefined) return
  const beside = await mkdtemp(`${dir}-`)
  for (const name of ['id', 'host']) await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'lab', '-f', join(beside, name)])
  await writeFile(join(beside, 'known_hosts'), `${hosts} ${await readFile(join(beside, 'host.pub'), 'utf8')}`)
  await writeFile(join(beside, 'config'), [
    'Host *',
    `  IdentityFile ${join(dir, 'id')}`,
    `  UserKnownHostsFile ${join(dir, 'known_hosts')}`,
    '  GlobalKnownHostsFile /dev/null',
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    '  StrictHostKeyChecking yes',
    '  BatchMode yes',
    '  LogLevel ERROR',
    '',
  ].join('\n'))
  await mkdir(join(beside, 'bin'))
  await writeFile(join(beside, 'bin', 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${join(dir, 'config')} "$@"\n`, { mode: 0o755 })
  await rm(dir, { recursive: true, force: true })
  await rename(beside, dir)
}

/** The server's configuration: root by key only, on port 22 of the host's address. */
export function sshdConfig(address: string): string {
  return [
    `ListenAddress ${address}`,
    'HostKey /run/sshd/host_key',
    'AuthorizedKeysFile /run/sshd/authorized_keys',
    'PidFile /run/sshd.pid',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'UseDNS no',
    'StrictModes no',
    'MaxStartups 100',
    'MaxSessions 100',
    'Subsystem sftp internal-sftp',
    '',
  ].join('\n')
}
