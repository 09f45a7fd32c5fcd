import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, statSync, utimesSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { LabHost } from '../../lab/host.ts'
import { diffSnapshots, snapshotTree } from '../../trees/snapshot-tree.ts'
import { container, port, type SourceHost } from './hosts.ts'

/** `downSeconds` is seen from outside: from the last page that the source served to the first one of the target. */
export type Moved = {
  readonly who: string
  readonly seconds: number
  readonly downSeconds: number
  /** What the target received, by the counter of its network interface. */
  readonly wireBytes: number
  readonly steps: readonly { readonly name: string; readonly seconds: number }[]
  readonly said: string
}

const program = new URL('../../../../bin/dray.js', import.meta.url).pathname

/** What people do today, on the old host: everything while the container is stopped. */
export async function moveByHand(source: SourceHost, target: LabHost): Promise<Moved> {
  const ssh = `/usr/bin/ssh -F ${source.lab.ssh.configPath} root@${target.address}`
  const volume = source.isAnonymous ? (await source.lab.sh(`docker inspect -f '{{(index .Mounts 0).Name}}' ${container}`)).trim() : 'data'
  const steps: { name: string; seconds: number }[] = []
  return await measure('by hand', source, target, steps, async () => {
    const step = async (name: string, script: string): Promise<void> => {
      const startedAt = performance.now()
      await source.lab.sh(script)
      steps.push({ name, seconds: (performance.now() - startedAt) / 1000 })
    }
    await step('docker stop', `docker stop ${container}`)
    await step('docker commit', `docker commit ${container} moved:1`)
    await step('docker save | ssh docker load', `docker save moved:1 | ${ssh} docker load`)
    await step('tar | ssh tar', `tar -C ${source.mountpoint} -c . | ${ssh} 'docker volume create ${volume} >/dev/null && tar -x -C $(docker volume inspect -f "{{.Mountpoint}}" ${volume})'`)
    await step('docker run', `${ssh} docker run -d --init --restart always --name ${container} -p ${port}:80 -v ${volume}:/data moved:1`)
    return ''
  })
}

export type Changes = 'none' | 'one percent'

/** dray on a third machine, over ssh to both hosts; or on the old host, over ssh to the new one. */
export async function moveByDray(source: SourceHost, target: LabHost, from: 'elsewhere' | 'source', changes: Changes, more: readonly string[] = []): Promise<Moved & { readonly result: Record<string, unknown> }> {
  const home = await mkdtemp(join(tmpdir(), 'drayage-bench-home-'))
  const steps: { name: string; seconds: number }[] = []
  try {
    let result: Record<string, unknown> = {}
    const who = `dray, run ${from === 'source' ? 'on the old host' : 'elsewhere'}${more.length > 0 ? ` ${more.join(' ')}` : ''}`
    const moved = await measure(who, source, target, steps, async () => {
      const ends = [from === 'source' ? `unix://${source.lab.socket}` : source.lab.ssh.endpoint, target.ssh.endpoint]
      const env = { ...process.env, ...source.lab.ssh.env, HOME: home, XDG_STATE_HOME: home, XDG_DATA_HOME: home, DOCKER_CONFIG: home }
      const child = spawn(process.execPath, [program, 'migrate', container, ...ends, ...more, '--json'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
      let said = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
      const ended = new Promise<number | null>(resolve => child.once('close', resolve))
      const startedAt = performance.now()
      const begun = new Map<string, number>()
      let hasChanged = changes === 'none'
      for await (const line of createInterface({ input: child.stdout })) {
        const event = JSON.parse(line) as Record<string, unknown>
        const now = performance.now()
        if (event['event'] === 'step') {
          const name = String(event['name'])
          if (begun.size === 0) steps.push({ name: 'connect', seconds: (now - startedAt) / 1000 })
          if (event['state'] === 'started') begun.set(name, now)
          else steps.push({ name, seconds: (now - (begun.get(name) ?? now)) / 1000 })
        }
        if (event['event'] === 'note') steps.push({ name: `note: ${String(event['text'])}`, seconds: 0 })
        if (event['event'] === 'transfer' && Number(event['bytes']) > 50e6 && !hasChanged) {
          hasChanged = true
          changeOnePercent(source)
        }
        if (event['event'] === 'transfer' && event['state'] === 'done') steps.push({ name: `  ${String(event['name'])}, ${(Number(event['bytes']) / 1e6).toFixed(1)} MB`, seconds: Number(event['milliseconds']) / 1000 })
        if (event['event'] === 'result') result = event
      }
      const code = await ended
      if (code !== 0) throw new Error(`dray migrate ended with ${code}: ${said}`)
      if (!hasChanged) throw new Error('the pre-copy was too short to change anything')
      return said
    })
    return { ...moved, result }
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

/** Overwrites the beginning of files until one in a hundred bytes lies in changed files; half of them big, half small. */
function changeOnePercent({ mountpoint, data }: SourceHost): void {
  const files = readdirSync(mountpoint, { recursive: true, withFileTypes: true }).filter(each => each.isFile()).map(each => join(each.parentPath, each.name)).filter((_, at) => at % 7 === 3)
  let left = data.bytes / 100
  for (const path of files) {
    const { size } = statSync(path)
    if (size > left) continue
    const file = openSync(path, 'r+')
    writeSync(file, `changed ${Date.now()}`)
    closeSync(file)
    utimesSync(path, new Date(), new Date())
    left -= size
    if (left < data.bytes / 10_000) break
  }
}

async function measure(who: string, source: SourceHost, target: LabHost, steps: Moved['steps'], move: () => Promise<string>): Promise<Moved> {
  const before = await receivedBy(target)
  const watch = new Watch(source.lab.address, target.address)
  const startedAt = performance.now()
  try {
    const said = await move()
    const seconds = (performance.now() - startedAt) / 1000
    const wireBytes = (await receivedBy(target)) - before
    return { who, seconds, downSeconds: await watch.downSeconds(), wireBytes, steps, said }
  } finally {
    watch.end()
  }
}

/** Asks both hosts for the page all the time. */
class Watch {
  private lastOfSource = 0
  private firstOfTarget = 0
  private isOver = false
  private readonly running: Promise<unknown>

  constructor(source: string, target: string) {
    const ask = async (address: string, note: (at: number) => void): Promise<void> => {
      while (!this.isOver) {
        try {
          const answer = await fetch(`http://${address}:${port}/`, { signal: AbortSignal.timeout(1000), headers: { connection: 'close' } })
          if ((await answer.text()) === 'the page\n') note(performance.now())
        } catch {
          // as expected for a while
        }
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    }
    this.running = Promise.all([
      ask(source, at => (this.lastOfSource = at)),
      ask(target, at => (this.firstOfTarget ||= at)),
    ])
  }

  async downSeconds(): Promise<number> {
    const until = performance.now() + 10_000
    while (this.firstOfTarget === 0 && performance.now() < until) await new Promise(resolve => setTimeout(resolve, 20))
    if (this.firstOfTarget === 0) throw new Error('the page is not served by the target')
    return (this.firstOfTarget - this.lastOfSource) / 1000
  }

  end(): void {
    this.isOver = true
    void this.running
  }
}

async function receivedBy(host: LabHost): Promise<number> {
  return Number(await host.sh('awk \'/eth0:/ { print $2 }\' /proc/net/dev'))
}

/** That the target holds what the source holds. */
export async function checkMoved(source: SourceHost, target: LabHost): Promise<void> {
  const there = (await target.sh(`docker inspect -f '{{(index .Mounts 0).Source}}' ${container}`)).trim()
  const found = diffSnapshots(snapshotTree(source.mountpoint), snapshotTree(there))
  if (found.length > 0) throw new Error(`what was moved differs: ${found.slice(0, 5).join('; ')}`)
}
