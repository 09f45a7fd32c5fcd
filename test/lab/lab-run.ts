import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { must, run } from './command.ts'
import { withLock } from './lock.ts'
import { identityOf, isAlive, killAndWait, type ProcessIdentity } from './process-identity.ts'
import { waitUntil } from './wait.ts'

/**
 * All that belongs to one owner process (a jest run, the demo) lies in one directory, whose name is also the third number of
 * its network's addresses. The paths are short because a socket's path has at most 107 bytes.
 */
export type LabRun = { readonly number: number; readonly dir: string }

const variable = 'DRAY_LAB_RUN'

export function labBase(): string {
  return join(tmpdir(), `drayage-lab-${process.getuid?.() ?? 0}`)
}

/** Names this process as the owner of whatever it and its children start from now on, until `endRun`. */
export async function beginRun(): Promise<LabRun> {
  const base = labBase()
  const taken = new Set(Object.values(networkInterfaces()).flat().map(each => each?.address.split('.').slice(0, 3).join('.')))
  for (let tries = 0; tries < 250; tries++) {
    const number = 1 + (process.pid + tries) % 250
    if (taken.has(`10.213.${number}`)) continue
    const dir = join(base, String(number))
    try {
      await mkdir(base, { recursive: true, mode: 0o755 })
      await mkdir(dir)
    } catch (error) {
      if (['EEXIST', 'ENOENT'].includes(codeOf(error))) continue // another run took it, or removed the empty base
      throw error
    }
    await writeFile(join(dir, 'owner'), identityOf(process.pid)!)
    process.env[variable] = dir
    return { number, dir }
  }
  throw new Error(`no free network 10.213.N.0/24 for the lab: look into "${base}"`)
}

/** The run that this process or one of its parents began. */
export function currentRun(): LabRun | undefined {
  const dir = process.env[variable]
  return dir === undefined ? undefined : { dir, number: Number(dir.slice(dir.lastIndexOf('/') + 1)) }
}

/** Removes everything of the run and rejects if something is left. */
export async function endRun(labRun: LabRun): Promise<void> {
  if (process.env[variable] === labRun.dir) delete process.env[variable] // eslint-disable-line @typescript-eslint/no-dynamic-delete -- the name is a constant
  await removeRun(labRun)
  let left: string[] = []
  await waitUntil(async () => (left = await leftovers(labRun)).length === 0, 'the kernel to free what the lab used', 5000)
    .catch((error: unknown) => Promise.reject(new Error(`the lab left something behind:\n${left.join('\n')}`, { cause: error })))
}

/** Removes what runs left behind whose owner is dead. */
export async function removeDeadRuns(): Promise<void> {
  for (const name of await readdir(labBase()).catch(() => [])) {
    const dir = join(labBase(), name)
    if (!/^\d+$/.test(name)) continue
    await withLock(`${dir}/remove`, async () => {
      if (await isAbandoned(dir)) await removeRun({ number: Number(name), dir })
    })
  }
}

async function isAbandoned(dir: string): Promise<boolean> {
  const owner = await readFile(join(dir, 'owner'), 'utf8').catch(() => undefined)
  if (owner !== undefined) return !isAlive(owner)
  const made = await stat(dir).catch(() => undefined)
  return made !== undefined && Date.now() - made.mtimeMs > 60_000
}

/** The run's network interface on this machine. */
export function cableOf({ number }: LabRun): string {
  return `dlab${number}`
}

/** Takes the next free number of the run for a host or a registry: the directory is its state, the number the last one of its address. */
export async function allocateMember(labRun: LabRun): Promise<{ readonly number: number; readonly dir: string }> {
  for (let number = 2; number < 250; number++) {
    const dir = join(labRun.dir, String(number))
    try {
      await mkdir(dir)
      return { number, dir }
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }
  throw new Error(`no free address in "${labRun.dir}"`)
}

/** Jest gives tests an Error of their own, so `instanceof` does not know those of the system. */
function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code)
}

/** Notes a process so that it can be found and killed when its owner is dead. */
export async function recordProcess(dir: string, pid: number): Promise<ProcessIdentity> {
  const identity = identityOf(pid)
  if (identity === undefined) throw new Error(`process ${pid} ended at once`)
  await writeFile(join(dir, `process-${pid}`), identity)
  return identity
}

/** Kills the processes noted in `dir`, then takes away its mounts, control groups and files. What is paused cannot be killed before it goes on. */
export async function removeMember(dir: string): Promise<void> {
  await thaw(controlGroupOf(dir))
  for (const name of await readdir(dir).catch(() => [])) {
    if (name.startsWith('process-')) await killAndWait(await readFile(join(dir, name), 'utf8'))
  }
  for (const point of await mountsBelow(dir)) await must('umount', [point])
  await removeControlGroups(controlGroupOf(dir))
  await rm(dir, { recursive: true, force: true, maxRetries: 5 })
}

export function controlGroupOf(dir: string): string {
  return `drayage-lab-${dir.split('/').slice(-2).join('-')}`
}

async function removeRun(labRun: LabRun): Promise<void> {
  for (const name of await readdir(labRun.dir).catch(() => [])) {
    if (/^\d+$/.test(name)) await removeMember(join(labRun.dir, name))
  }
  if (existsSync(`/sys/class/net/${cableOf(labRun)}`)) await run('ip', ['link', 'delete', cableOf(labRun)])
  await removeMember(labRun.dir)
  await rmdir(labBase()).catch(() => undefined) // fails while another run uses it
}

async function thaw(name: string): Promise<void> {
  for (const group of await controlGroups(name)) await run('find', [group, '(', '-name', 'freezer.state', '-exec', 'sh', '-c', 'echo THAWED > "$1"', 'sh', '{}', ';', ')', '-o', '(', '-name', 'cgroup.freeze', '-exec', 'sh', '-c', 'echo 0 > "$1"', 'sh', '{}', ';', ')'])
}

async function removeControlGroups(name: string): Promise<void> {
  for (const group of await controlGroups(name)) await run('find', [group, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';'])
}

/** Of this name, in one hierarchy or in each of several. */
async function controlGroups(name: string): Promise<string[]> {
  const root = '/sys/fs/cgroup'
  const groups = [root, ...(await readdir(root).catch(() => [])).map(each => join(root, each))].map(parent => join(parent, name))
  return groups.filter(group => existsSync(group))
}

/** Mount points in `dir`, the innermost first. */
async function mountsBelow(dir: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')
  return lines.map(line => line.split(' ')[4] ?? '').filter(point => point.startsWith(`${dir}/`)).reverse()
}

/** What is still there. A namespace needs no look of its own: it ends with its last process, and none is kept by a mount. */
async function leftovers(labRun: LabRun): Promise<string[]> {
  const { dir } = labRun
  const left = (await mountsBelow(dir)).map(point => `mount ${point}`)
  if (await stat(dir).catch(() => undefined)) left.push(`directory ${dir}`)
  if (existsSync(`/sys/class/net/${cableOf(labRun)}`)) left.push(`interface ${cableOf(labRun)}`)
  for (const name of await readdir('/sys/block').catch(() => [])) {
    const file = await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '')
    if (file.startsWith(`${dir}/`)) left.push(`loop device ${name}: ${file.trim()}`)
  }
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name) && name !== String(process.pid))) {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (words.includes(`${dir}/`) || environment.includes(`LAB_DIR=${dir}/`)) left.push(`process ${pid}: ${words.replaceAll('\0', ' ').slice(0, 200)}`)
  }
  return left
}
