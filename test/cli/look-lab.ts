import { spawnSync } from 'node:child_process'
import { chmodSync, linkSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync, writeSync, openSync, closeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { initRepository, openRepository, type Repository } from '../../src/store/repository.ts'
import { run, type CommandResult } from '../lab/command.ts'
import { smallChunks } from '../unit/store/scratch.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))

export const oddName = Buffer.from([0x6f, 0x64, 0x64, 0xff, 0x0a, 0x5c])

/** Files of every kind that a mount may hold, below `folder`. Needs root for nothing. */
export function makeOddFolder(folder: string): void {
  mkdirSync(join(folder, 'conf', 'sites'), { recursive: true })
  writeFileSync(join(folder, 'conf', 'app.conf'), 'port = 80\n', { mode: 0o640 })
  writeFileSync(join(folder, 'conf', 'sites', 'a.conf'), 'a\n')
  writeFileSync(join(folder, 'conf', 'sites', 'b.txt'), 'b\n')
  writeFileSync(join(folder, 'conf-d'), 'beside\n')
  symlinkSync('conf/app.conf', join(folder, 'current'))
  symlinkSync('conf', join(folder, 'link-to-conf'))
  symlinkSync('/etc/passwd', join(folder, 'outside'))
  writeFileSync(join(folder, 'large'), Buffer.alloc(100_000, 'large content '))
  linkSync(join(folder, 'large'), join(folder, 'z-other-name'))
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), oddName]), 'odd\n')
  const sparse = openSync(join(folder, 'sparse'), 'w')
  writeSync(sparse, Buffer.from('begin'), 0, 5, 0)
  writeSync(sparse, Buffer.from('middle'), 0, 6, 1_000_000)
  closeSync(sparse)
  truncateSync(join(folder, 'sparse'), 3_000_000)
  mkdirSync(join(folder, 'private'), { mode: 0o700 })
  writeFileSync(join(folder, 'private', 'tool'), 'x')
  chmodSync(join(folder, 'private', 'tool'), 0o4755)
  utimesSync(join(folder, 'conf', 'app.conf'), 1_700_000_000, 1_700_000_000)
  if (spawnSync('mkfifo', [join(folder, 'fifo')]).status !== 0) throw new Error('mkfifo failed')
}

export type LookLab = AsyncDisposable & {
  readonly folder: string
  readonly path: string
  open(): Promise<Repository>
  dray(...args: readonly string[]): Promise<CommandResult>
}

/** A folder with a repository, and dray in it. */
export async function lookLab(): Promise<LookLab> {
  const folder = await mkdtemp(join(tmpdir(), 'dray-look-'))
  const path = join(folder, 'repo')
  await initRepository(path, smallChunks)
  return {
    folder,
    path,
    open: () => openRepository(path, { create: false }),
    dray: (...args) => run(process.execPath, [dray, ...args], { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder, XDG_STATE_HOME: folder, DRAY_REPO: path, TZ: 'UTC' } }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}
