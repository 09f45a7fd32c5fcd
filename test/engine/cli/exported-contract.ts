import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from '@jest/globals'
import { must, run, type CommandResult } from '../../lab/command.ts'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'

const dray = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))

export type Exported = AsyncDisposable & {
  readonly folder: string
  /** The backup of container "web", of image box:1. */
  readonly id: string
  /** The name of the image with what the container wrote. */
  readonly name: string
  readonly file: (format: string) => string
}

/** dray on a host, with a repository of its own. */
export function drayOn(host: LabHost, folder: string): (...args: string[]) => Promise<CommandResult> {
  const env = { PATH: process.env['PATH'], HOME: folder, XDG_STATE_HOME: folder, DRAY_REPO: join(folder, 'repo') }
  return (...args) => run(process.execPath, [dray, ...args, '--quiet', '-H', `unix://${host.socket}`], { cwd: folder, env })
}

/** A container with a volume, backed up and exported in every format by this engine. */
export async function exportWeb(engine: EngineName): Promise<Exported> {
  const folder = await mkdtemp(join(tmpdir(), 'dray-exported-'))
  await using host = await startHost({ engine })
  await busyboxImage(host, 'box:1', { cmd: ['sleep', '1000'] })
  await host.docker(['run', '-d', '--name', 'web', '-v', 'data:/data', 'box:1'])
  await host.docker(['exec', 'web', 'sh', '-c', 'echo written > /root/own; seq 100000 > /data/numbers; chown 7:8 /data/numbers'])
  const cli = drayOn(host, folder)
  const backup = await cli('backup', 'web')
  expect(backup).toMatchObject({ exitCode: 0, stderr: '' })
  const id = (JSON.parse((await cli('list', '--json')).stdout) as { backups: { id: string }[] }).backups[0]?.id ?? ''
  const file = (format: string): string => join(folder, `web.${format}`)
  for (const format of ['tar', 'tar.gz', 'tar.zst']) {
    expect(await cli('export', 'latest', 'web', '-o', file(format))).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 backup, 2 images') })
    expect(await cli('verify', file(format))).toMatchObject({ exitCode: 0 })
  }
  return { folder, id, name: `drayage/web:${id}`, file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
}

/** Every image of the file is there and runs. The containerd store takes the backup as well, under a name that can be removed. */
export async function expectLoaded(host: LabHost, { name, id, file }: Exported, formats: readonly string[]): Promise<void> {
  const hasBackup = host.engine === '28.5'
  for (const format of formats) {
    const { stdout } = await host.docker(['load', '-i', file(format)])
    expect(stdout.trim().split('\n').sort()).toEqual([...(hasBackup ? [`drayage/backup:${id}`] : []), 'box:1', name].map(each => `Loaded image: ${each}`).sort())
    expect((await host.docker(['run', '--rm', name, 'cat', '/root/own'])).stdout).toBe('written\n')
    expect((await host.docker(['run', '--rm', 'box:1', 'ls', '/root'])).stdout).toBe('')
    await host.docker(['rmi', 'box:1', name, ...(hasBackup ? [`drayage/backup:${id}`] : [])])
    expect((await host.docker(['image', 'ls', '--all', '--quiet'])).stdout).toBe('')
  }
}

/** What comes out of the pipe of an export is restored on another host, and what its engine saves becomes a backup of images. */
export async function expectRestoredElsewhere(host: LabHost, { folder, id }: Exported): Promise<void> {
  const elsewhere = await mkdtemp(join(tmpdir(), 'dray-elsewhere-'))
  try {
    const cli = drayOn(host, elsewhere)
    await must('bash', ['-o', 'pipefail', '-c', `"${process.execPath}" "${dray}" export latest web -q -r "${folder}/repo" -o - | "${process.execPath}" "${dray}" import - -q -r "${elsewhere}/repo"`])
    expect(await cli('restore', id)).toMatchObject({ exitCode: 0, stderr: '' })
    expect((await host.docker(['exec', 'web', 'sh', '-c', 'cat /root/own; stat -c %u:%g /data/numbers; tail -1 /data/numbers'])).stdout).toBe('written\n7:8\n100000\n')
    await must('bash', ['-o', 'pipefail', '-c', `docker -H unix://${host.socket} save box:1 | gzip > "${elsewhere}/box.tar.gz"`])
    const imported = await cli('import', 'box.tar.gz')
    expect(imported).toMatchObject({ exitCode: 0, stderr: '' })
    const shown = await cli('show', imported.stdout.trim())
    expect(shown.stdout).toContain('box:1')
    expect(await cli('verify', '--deep')).toMatchObject({ exitCode: 0 })
  } finally {
    await rm(elsewhere, { recursive: true })
  }
}
