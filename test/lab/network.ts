import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from './command.ts'
import { cableOf, recordProcess, type LabRun } from './lab-run.ts'
import { withLock } from './lock.ts'
import { isAlive } from './process-identity.ts'

/**
 * The run's switch: a bridge in a network namespace of its own, so that no firewall rule of the machine applies between hosts.
 * This machine has one cable to it, with the address 10.213.N.1; the hosts have the others; registries listen at .254.
 */
export type Switch = { readonly pid: number; readonly prefix: string }

/** The switch of the run, started by whoever needs it first; it ends with the run's owner. */
export function openSwitch(labRun: LabRun): Promise<Switch> {
  return withLock(`${labRun.dir}/switch`, async () => {
    const prefix = `10.213.${labRun.number}`
    const note = join(labRun.dir, 'switch')
    const known = await readFile(note, 'utf8').catch(() => '')
    if (known !== '' && isAlive(known)) return { pid: Number.parseInt(known), prefix }
    const owner = Number.parseInt(await readFile(join(labRun.dir, 'owner'), 'utf8'))
    const pid = await startNamespace(owner)
    const identity = await recordProcess(labRun.dir, pid)
    const cable = cableOf(labRun)
    await inNetwork(pid, ['ip', '-batch', '-'], ['link set lo up', `link add lab address ${hardwareAddress(prefix, 254)} type bridge`, `address add ${prefix}.254/24 dev lab`, 'link set lab up'])
    await must('ip', ['-batch', '-'], { input: [`link add ${cable} type veth peer name uplink netns ${pid}`, `address add ${prefix}.1/24 dev ${cable}`, `link set ${cable} up`].join('\n') })
    await inNetwork(pid, ['ip', '-batch', '-'], ['link set uplink master lab up'])
    await writeFile(note, identity)
    return { pid, prefix }
  })
}

async function startNamespace(owner: number): Promise<number> {
  const child = spawn('unshare', ['--net', 'sh', '-c', `echo up; exec tail --pid=${owner} -f /dev/null`], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => Promise.reject(new Error('no network namespace could be made')))])
  child.stdout.destroy()
  child.unref()
  return child.pid!
}

/** Runs a program in the network namespace of a process. */
export function inNetwork(pid: number, command: readonly string[], lines: readonly string[] = []): Promise<string> {
  return must('nsenter', [`--net=/proc/${pid}/ns/net`, ...command], { input: lines.join('\n') })
}

/** Lays a cable from the switch to the network namespace of `pid`. An older one of that number may still await its removal by the kernel. */
export async function plugIn(hub: Switch, number: number, pid: number): Promise<string> {
  const address = `${hub.prefix}.${number}`
  await inNetwork(hub.pid, ['sh', '-c', `ip link delete port${number} 2>/dev/null; exec ip -batch -`], [`link add port${number} type veth peer name eth0 address ${hardwareAddress(hub.prefix, number)} netns ${pid}`, `link set port${number} master lab up`])
  await inNetwork(pid, ['ip', '-batch', '-'], ['link set lo up', `address add ${address}/24 dev eth0`, 'link set eth0 up'])
  return address
}

/** The same for whoever has the number: neighbours remember it beyond a host's end. A bridge without one of its own takes the lowest of its ports'. */
function hardwareAddress(prefix: string, number: number): string {
  const bytes = [Number(prefix.slice(prefix.lastIndexOf('.') + 1)), number]
  return `02:d1:ab:00:${bytes.map(byte => byte.toString(16).padStart(2, '0')).join(':')}`
}

/** Pulls the cable at the switch's end: to the host it looks as in life, its routes and connections stay. */
export async function setLink(hub: Switch, number: number, state: 'up' | 'down'): Promise<void> {
  await inNetwork(hub.pid, ['ip', 'link', 'set', `port${number}`, state])
}

/** Limits a host's cable to so many Mbit/s in each direction; undefined removes the limit. */
export async function setRate(hub: Switch, number: number, pid: number, mbit: number | undefined): Promise<void> {
  for (const [namespace, device] of [[hub.pid, `port${number}`], [pid, 'eth0']] as const) {
    if (mbit === undefined) await inNetwork(namespace, ['sh', '-c', `tc qdisc del dev ${device} root 2>/dev/null || true`])
    else await inNetwork(namespace, ['tc', 'qdisc', 'replace', 'dev', device, 'root', 'tbf', 'rate', `${mbit}mbit`, 'burst', '64kb', 'latency', '50ms'])
  }
}
