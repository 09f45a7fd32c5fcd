import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from './command.ts'
import type { LabHost } from './host.ts'
import { currentRun } from './lab-run.ts'
import { withLock } from './lock.ts'
import { ensurePackages, machineRelease } from './packages.ts'
import { debootstrap } from './trees.ts'

export type ImageConfig = {
  readonly cmd?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly expose?: readonly string[]
  readonly workdir?: string
  readonly user?: string
}

/** Imports a root file system, a directory or a `.tar` file, as an image of one layer. Returns its id. */
export async function importImage(host: LabHost, name: string, rootfs: string, config: ImageConfig = {}): Promise<string> {
  const changes = changesOf(config).map(change => `--change ${quote(change)}`).join(' ')
  const source = rootfs.endsWith('.tar') ? `cat ${quote(rootfs)}` : `tar -C ${quote(rootfs)} --numeric-owner -c .`
  const script = `set -e; ${source} | docker --host unix://${host.socket} import ${changes} - ${quote(name)}`
  return (await must('bash', ['-o', 'pipefail', '-c', script])).trim()
}

/** A busybox image of about 2 MiB. */
export async function busyboxImage(host: LabHost, name: string, config: ImageConfig = {}): Promise<string> {
  await ensurePackages('busybox-static')
  const dir = await mkdtemp(join(runDir(), 'busybox-'))
  try {
    for (const each of ['bin', 'etc', 'tmp', 'root', 'var']) await mkdir(join(dir, each))
    await copyFile('/bin/busybox', join(dir, 'bin/busybox'))
    const applets = (await must('/bin/busybox', ['--list'])).split('\n').filter(applet => applet !== '' && applet !== 'busybox')
    for (const applet of applets) await symlink('busybox', join(dir, 'bin', applet))
    await writeFile(join(dir, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n')
    await writeFile(join(dir, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n')
    return await importImage(host, name, dir, { cmd: ['sh'], env: { PATH: '/bin' }, ...config })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/**
 * An image of the machine's Debian release with packages in it, `without` some paths (shell patterns, relative to the root).
 * The root file system is made once in a run (some 20 s).
 */
export async function debianImage(host: LabHost, name: string, packages: readonly string[], { without = [], ...config }: ImageConfig & { readonly without?: readonly string[] } = {}): Promise<string> {
  await ensurePackages('mmdebstrap')
  const release = await machineRelease()
  const key = createHash('sha256').update([...packages, '', ...without].join(' ')).digest('hex').slice(0, 12)
  const tar = join(runDir(), `image-${release}-${key}.tar`)
  await withLock(tar, async () => {
    if (existsSync(tar)) return
    await debootstrap(release, packages, `${tar}.new.tar`, without)
    await rename(`${tar}.new.tar`, tar)
  })
  return await importImage(host, name, tar, { cmd: ['bash'], ...config })
}

function runDir(): string {
  const labRun = currentRun()
  if (labRun === undefined) throw new Error('images are made for a host of the lab: start one first')
  return labRun.dir
}

function changesOf({ cmd, entrypoint, env = {}, labels = {}, volumes = [], expose = [], workdir, user }: ImageConfig): string[] {
  return [
    ...(cmd ? [`CMD ${JSON.stringify(cmd)}`] : []),
    ...(entrypoint ? [`ENTRYPOINT ${JSON.stringify(entrypoint)}`] : []),
    ...Object.entries(env).map(([key, value]) => `ENV ${key}=${JSON.stringify(value)}`),
    ...Object.entries(labels).map(([key, value]) => `LABEL ${key}=${JSON.stringify(value)}`),
    ...(volumes.length > 0 ? [`VOLUME ${JSON.stringify(volumes)}`] : []),
    ...expose.map(port => `EXPOSE ${port}`),
    ...(workdir === undefined ? [] : [`WORKDIR ${workdir}`]),
    ...(user === undefined ? [] : [`USER ${user}`]),
  ]
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
