import { join } from 'node:path'
import { beginRun, removeDeadRuns } from './lab-run.ts'
import { ensurePackages } from './packages.ts'

/** Programs that tests make odd files with, or compare with what dray says. */
const tools = ['acl', 'attr', 'bzip2', 'e2fsprogs', 'jq', 'libcap2-bin', 'perl', 'procps', 'python3', 'skopeo', 'xz-utils', 'zstd'] as const

/** Cheap where the tools are there: hosts, their network and packages come with the first startHost. */
// eslint-disable-next-line no-restricted-syntax -- jest wants a default export
export default async function globalSetup(): Promise<void> {
  if (process.platform !== 'linux') return
  await removeDeadRuns()
  const { dir } = await beginRun()
  // A test that names no other home leaves nothing in that of whoever runs it.
  process.env['HOME'] = join(dir, 'home')
  if (process.getuid?.() === 0) await ensurePackages(...tools)
}
