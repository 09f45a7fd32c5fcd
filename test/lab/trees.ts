import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { must } from './command.ts'
import { engines, type EngineName } from './engines.ts'
import type { LabRun } from './lab-run.ts'
import { withLock } from './lock.ts'
import { ensurePackages, isInstalled, machineRelease } from './packages.ts'

/** Names a directory of ready trees, one per release, to use and to keep. Without it they are made in the run's directory and go with it. */
const keptTrees = process.env['DRAY_LAB_TREES']

/** The root file system that an engine runs in, made on first use; undefined when it is the machine's own. */
export async function treeFor(engine: EngineName, labRun: LabRun): Promise<string | undefined> {
  const { release } = engines[engine]
  const machine = await machineRelease()
  if (release === machine && machine === 'bookworm' && !(await isInstalled('containerd.io'))) {
    await ensurePackages('docker.io')
    return undefined
  }
  await ensurePackages('mmdebstrap', machine === 'bookworm' ? 'docker.io' : 'docker-cli')
  const tree = join(keptTrees ?? join(labRun.dir, 'trees'), release)
  await withLock(tree, async () => {
    if (!existsSync(join(tree, 'usr'))) await makeTree(release, tree)
  })
  return tree
}

async function makeTree(release: string, tree: string): Promise<void> {
  const packages = ['docker.io', ...(release === 'bookworm' ? [] : ['docker-cli']), 'mount', 'iptables', 'iproute2', 'ca-certificates', 'openssh-server', 'tar', 'zstd', 'procps']
  const beside = `${tree}.new`
  await rm(beside, { recursive: true, force: true })
  await mkdir(dirname(tree), { recursive: true })
  await debootstrap(release, packages, beside)
  await rename(beside, tree)
}

/**
 * Unpacks a Debian release with packages into a directory or a `.tar` file, from the mirror that this machine uses. `without`:
 * paths below the root, with shell patterns, that are removed in the end.
 */
export async function debootstrap(release: string, packages: readonly string[], target: string, without: readonly string[] = []): Promise<void> {
  await must('mmdebstrap', [
    '--quiet', '--variant=apt', `--include=${packages.join(',')}`,
    '--dpkgopt=force-unsafe-io',
    ...(without.length > 0 ? [`--customize-hook=cd "$1" && rm -rf ${without.join(' ')}`] : []),
    '--aptopt=Acquire::Check-Valid-Until "false"',
    release, target, await debianMirror(),
  ], { env: { ...process.env, TMPDIR: dirname(target) } })
}

/** The mirror that this machine uses. */
export async function debianMirror(): Promise<string> {
  const directory = '/etc/apt/sources.list.d'
  const names = (await readdir(directory).catch(() => [])).map(name => join(directory, name))
  for (const file of ['/etc/apt/sources.list', ...names]) {
    const text = await readFile(file, 'utf8').catch(() => '')
    const uri = /^(?:deb\s+(?:\[[^\]]*\]\s*)?|URIs:\s*)(\S+\/debian\/?)(?:\s|$)/m.exec(text)?.[1]
    if (uri !== undefined) return uri
  }
  throw new Error('no Debian mirror in the apt sources of this machine')
}
