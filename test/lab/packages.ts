import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { must, run } from './command.ts'
import { withLock } from './lock.ts'

const policy = '/usr/sbin/policy-rc.d'
const present = new Set<string>()

/** Installs the Debian packages that are missing, without starting their services. */
export async function ensurePackages(...names: readonly string[]): Promise<void> {
  const unknown = names.filter(name => !present.has(name))
  if (unknown.length > 0) await withLock('packages', () => install(unknown))
  for (const name of unknown) present.add(name)
}

export async function isInstalled(name: string): Promise<boolean> {
  const { stdout } = await run('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name])
  return stdout === 'installed'
}

/** The machine's Debian release, as in `bookworm`. */
export async function machineRelease(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(text)?.[1]
  if (codename === undefined || !/^ID=debian$/m.test(text)) throw new Error('the lab needs a Debian machine: /etc/os-release names another system')
  return codename
}

async function install(names: readonly string[]): Promise<void> {
  const missing: string[] = []
  for (const name of names) if (!(await isInstalled(name))) missing.push(name)
  if (missing.length === 0) return
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const ownPolicy = !existsSync(policy)
  if (ownPolicy) await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const args = ['install', '--yes', '--no-install-recommends', ...missing]
    if ((await run('apt-get', args, { env })).exitCode === 0) return
    await must('apt-get', ['update'], { env })
    await must('apt-get', args, { env })
  } finally {
    if (ownPolicy) await rm(policy, { force: true })
  }
}
