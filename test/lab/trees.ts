import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from './command.ts'
import { engines, type EngineName } from './engines.ts'
import { labBase } from './lab-run.ts'
import { withLock } from './lock.ts'
import { ensurePackages, isInstalled, machineRelease } from './packages.ts'

/** Names a directory of ready trees, one per release, to use and to keep. Without it trees are made in a temporary directory. */
const keptTrees = process.env['DRAY_LAB_TREES']

/** The root file system that an engine runs in, made on first use; undefined when it is the machine's own. */
export async function treeFor(engine: EngineName): Promise<string | undefined> {
  const { release } = engines[engine]
  const machine = await machineRelease()
  if (release === machine && machine === 'bookworm' && !(await isInstalled('containerd.io'))) {
    await ensurePackages('docker.io')
    return undefined
  }
  await ensurePackages('mmdebstrap', machine === 'bookworm' ? 'docker.io' : 'docker-cli')
  const tree = join(keptTrees ?? join(labBase(), 'trees'), release)
  await withLock(tree, async () => {
    if (!existsSync(join(tree, 'usr'))) await makeTree(release, tree)
  })
  return tree
}

/** Removes the trees that were made, not those that DRAY_LAB_TREES names. */
export async function removeTrees(): Promise<void> {
  const dir = join(labBase(), 'trees')
  for (const name of await readdir(dir).catch(() => [])) await withLock(join(dir, name), () => rm(join(dir, name), { recursive: true, force: true }))
  await rm(dir, { recursive: true, force: true })
}

async function makeTree(release: string, tree: string): Promise<void> {
  const packages = ['docker.io', ...(release === 'bookworm' ? [] : ['docker-cli']), 'mount', 'iptables', 'iproute2', 'ca-certificates', 'openssh-server', 'tar', 'zstd', 'procps']
  const beside = `${tree}.new`
  await rm(beside, { recursive: true, force: true })
  await mkdir(join(tree, '..'), { recursive: true })
  await debootstrap(release, packages, beside)
  await rename(beside, tree)
}

/** Unpacks a Debian release with packages into a directory or a `.tar` file, from the mirror that this machine uses. */
export async function debootstrap(release: string, packages: readonly string[], target: string): Promise<void> {
  await must('mmdebstrap', [
    '--quiet', '--variant=apt', `--include=${packages.join(',')}`,
    '--aptopt=Acquire::Check-Valid-Until "false"',
    release, target, await debianMirror(),
  ], { env: { ...process.env, TMPDIR: labBase() } })
}

async function debianMirror(): Promise<string> {
  const directory = '/etc/apt/sources.list.d'
  const names = (await readdir(directory).catch(() => [])).map(name => join(directory, name))
  for (const file of ['/etc/apt/sources.list', ...names]) {
    const text = await readFile(file, 'utf8').catch(() => '')
    const uri = /^(?:deb\s+(?:\[[^\]]*\]\s*)?|URIs:\s*)(\S+\/debian\/?)(?:\s|$)/m.exec(text)?.[1]
    if (uri !== undefined) return uri
  }
  throw new Error('no Debian mirror in the apt sources of this machine')
}
