import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readBackup, readMount, type NewBackup } from '../../../src/store/backup-graph.ts'
import type { BackupSummary } from '../../../src/store/backup-summary.ts'
import type { Descriptor } from '../../../src/store/oci.ts'
import { openRepository } from '../../../src/store/repository.ts'
import { installDray, type Dray } from '../cli/dray.ts'
import { run } from '../../lab/command.ts'
import { backUp, noise } from '../../unit/store/scratch.ts'

export const dockerConfig = (config: object): string => JSON.stringify(config)

/** Registries need no engine: repositories with backups in them, and the program. */
export class RegistryLab implements AsyncDisposable {
  readonly folder: string
  readonly dray: Dray

  private constructor(folder: string, dray: Dray) {
    this.folder = folder
    this.dray = dray
  }

  static async start(): Promise<RegistryLab> {
    return new RegistryLab(await mkdtemp(join(tmpdir(), 'dray-registry-')), await installDray())
  }

  /** A backup in the repository of the program, which is made with the parameters that everybody has. */
  async backUp(data: Buffer = noise(3 * 1024 * 1024), more: Partial<NewBackup> = {}): Promise<BackupSummary> {
    await using repository = await openRepository(this.dray.repository, { create: true })
    return await backUp(repository, data, more)
  }

  /** What the program finds in config.json. */
  async logIn(registry: string, entry: object | undefined): Promise<void> {
    await this.configure(entry === undefined ? {} : { auths: { [registry]: entry } })
  }

  /** The whole of config.json. */
  async configure(config: object): Promise<void> {
    await mkdir(join(this.dray.home, '.docker'), { recursive: true })
    await writeFile(join(this.dray.home, '.docker/config.json'), dockerConfig(config))
  }

  /** Shell scripts as credential helpers, by their names; returns the folder for PATH. */
  async installHelpers(scripts: Readonly<Record<string, string>>): Promise<string> {
    const folder = join(this.folder, 'helpers')
    await mkdir(folder, { recursive: true })
    for (const [name, script] of Object.entries(scripts)) await writeFile(join(folder, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return folder
  }

  /** Changes a byte of the first chunk of the backup's mount: here, or in the storage of a registry. */
  async damageChunk(backup: Descriptor, storage?: string): Promise<void> {
    await using repository = await openRepository(this.dray.repository, { create: false })
    const [mount] = (await readBackup(repository.blobs, backup)).mounts
    const [chunk] = (await readMount(repository.blobs, mount!)).content.chunks
    const hex = chunk!.digest.slice('sha256:'.length)
    await changeByte(storage === undefined ? repository.blobs.pathOf(chunk!.digest) : `${storage}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`)
  }

  async deletePulled(): Promise<void> {
    await rm(this.pulledInto, { recursive: true, force: true })
  }

  get pulledInto(): string {
    return join(this.folder, 'pulled')
  }

  /** Pulls into an empty repository, and has every hash there checked. */
  async pullAndVerify(reference: string, ...options: readonly string[]): Promise<{ readonly exitCode: number; readonly stderr: string; readonly id: string }> {
    await this.deletePulled()
    const pulled = await this.dray('pull', reference, '-r', this.pulledInto, ...options)
    if (pulled.exitCode !== 0) return { exitCode: pulled.exitCode, stderr: pulled.stderr, id: '' }
    const verified = await this.dray('verify', '-r', this.pulledInto)
    return { exitCode: verified.exitCode, stderr: verified.stderr, id: (pulled.result as unknown as { id: string }).id }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dray[Symbol.asyncDispose]()
    await rm(this.folder, { recursive: true, force: true })
  }
}

export async function tagsOf(address: string, name: string): Promise<string[]> {
  const answer = await fetch(`http://${address}/v2/${name}/tags/list`)
  return (((await answer.json()) as { tags?: string[] | null }).tags ?? []).sort()
}

/** Bytes of the blobs that the registry stores. */
export async function storedBytes(dataDir: string): Promise<number> {
  const { stdout } = await run('find', [`${dataDir}/docker/registry/v2/blobs`, '-name', 'data', '-printf', '%s\n'])
  return stdout.split('\n').reduce((sum, line) => sum + Number(line), 0)
}

async function changeByte(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes[bytes.length >> 1]! ^= 1
  await writeFile(path, bytes)
}
