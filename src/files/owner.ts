import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { errnoOf } from '../errors/system-error.ts'

/**
 * A process that holds something on disk. Whatever cannot be learnt (no /proc) is "", and then nothing is ever proved:
 * a thing is taken away from its owner only when that owner cannot be alive.
 */
export type Owner = {
  readonly host: string
  /** A hash of /etc/machine-id: two machines may have one name. */
  readonly machine: string
  readonly bootId: string
  /** The inode of the pid namespace: in another namespace the same number is another process. */
  readonly pidNamespace: string
  readonly pid: number
  /** Field 22 of /proc/<pid>/stat, in clock ticks since boot: pids are reused, this pair is not. */
  readonly startTime: string
  /** Of one in a container: the name of its sign of life, in the folder of what it holds (life-sign.ts). */
  readonly life?: string
}

/** PROC_PID_INIT_INO: the namespace of processes that are in no container. */
const initialPidNamespace = '4026531836'

let self: Owner | undefined

/** Whether its number is not one of the machine's own: then those outside, and in other containers, do not see it by that. */
export function isInContainer(): boolean {
  return thisProcess().pidNamespace !== initialPidNamespace
}

export function thisProcess(): Owner {
  self ??= {
    host: hostname(),
    machine: machineHash(),
    bootId: textOf('/proc/sys/kernel/random/boot_id'),
    pidNamespace: pidNamespace(),
    pid: process.pid,
    startTime: statOf('self')?.startTime ?? '',
  }
  return self
}

/** True only if the owner cannot be alive: it was on this host, before a reboot, or its pid is gone or belongs to a later process. */
export function isProvedDead(owner: Owner): boolean {
  const here = thisProcess()
  if (owner.host !== here.host || owner.machine !== here.machine || owner.bootId === '' || here.bootId === '') return false
  if (owner.bootId !== here.bootId) return here.machine !== '' || (owner.pidNamespace === initialPidNamespace && here.pidNamespace === initialPidNamespace)
  if (owner.pidNamespace === '' || owner.pidNamespace !== here.pidNamespace) return false
  if (!pidExists(owner.pid)) return true
  const stat = statOf(String(owner.pid))
  if (stat === undefined || owner.startTime === '') return false
  return stat.startTime !== owner.startTime || stat.state === 'Z' || stat.state === 'X'
}

/** Whether its process, or its sign of life, can be seen from here, so that it is proved dead once it is. */
export function isFromHere(owner: Owner): boolean {
  const here = thisProcess()
  if (owner.life !== undefined && owner.bootId === here.bootId) return true
  return owner.host === here.host && owner.machine === here.machine && owner.bootId === here.bootId && owner.pidNamespace === here.pidNamespace
}

export function isThisProcess({ bootId, pidNamespace, pid, startTime }: Owner): boolean {
  const here = thisProcess()
  return bootId === here.bootId && pidNamespace === here.pidNamespace && pid === here.pid && startTime === here.startTime
}

/** The owner as a part of a file name: a leftover says whose it was even when nothing was written into it. */
export function toOwnerToken(owner: Owner): string {
  const { bootId, pidNamespace, pid, startTime, machine, host } = owner
  return [bootId.replaceAll('-', ''), pidNamespace, String(pid), startTime, machine, host.replace(/[^A-Za-z0-9.-]/g, '_').slice(0, 64)].join('~')
}

/** Undefined for names that hold no token. Only comparable with owners of this host: the name of a host is kept in file name characters. */
export function parseOwnerToken(token: string): Owner | undefined {
  const [bootId, pidNamespace, pid, startTime, machine, host, ...rest] = token.split('~')
  if (bootId === undefined || pidNamespace === undefined || startTime === undefined || machine === undefined || host === undefined || rest.length > 0) return undefined
  if (pid === undefined || !/^[1-9][0-9]*$/.test(pid)) return undefined
  const here = thisProcess()
  const sameHost = toOwnerToken({ ...here, host }) === toOwnerToken(here)
  return { host: sameHost ? here.host : host, machine, bootId: bootId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'), pidNamespace, pid: Number(pid), startTime }
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return errnoOf(thrown) !== 'ESRCH'
  }
}

function statOf(pid: string): { state: string; startTime: string } | undefined {
  // The second field is the program's name in brackets, which may hold spaces and brackets itself.
  const stat = textOf(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  return stat === '' || state === undefined || startTime === undefined ? undefined : { state, startTime }
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? ''
  } catch {
    return ''
  }
}

function machineHash(): string {
  const id = textOf('/etc/machine-id')
  return /^[0-9a-f]{32}$/.test(id) ? createHash('sha256').update(`drayage ${id}`).digest('hex').slice(0, 16) : ''
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
