import { mkdir, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from '../lab/command.ts'
import { startHost, type LabHost } from '../lab/host.ts'
import { busyboxImage } from '../lab/images.ts'
import { writeDataSet, type DataSet } from './data-set.ts'

const mib = 1024 * 1024

/** An engine with one container whose volume holds the data. Everything that is measured reads and writes one file system of its own. */
export type BenchHost = AsyncDisposable & {
  readonly lab: LabHost
  readonly container: string
  readonly volume: string
  readonly image: string
  readonly mountpoint: string
  readonly data: DataSet
  /** For repositories, on the same file system as the volumes. */
  readonly folder: string
  /** An empty volume and its directory. */
  makeVolume(name: string): Promise<string>
}

/**
 * The file system is new and nothing is deleted in it: ext4 is slow to reuse inodes that were deleted within the last
 * minutes, so that whoever restores after a clean-up would pay for it.
 */
export async function startBenchHost({ files, totalBytes, copies }: { readonly files: number; readonly totalBytes: number; readonly copies: number }): Promise<BenchHost> {
  const storageMib = Math.ceil((totalBytes * copies) / mib) + 4096
  await checkSpace(storageMib)
  const lab = await startHost({ engine: '20.10', name: 'bench', storageMib })
  try {
    await passByCache(lab.dataRoot)
    await busyboxImage(lab, 'bench:1', { cmd: ['sleep', '1000000'] })
    const makeVolume = async (name: string) => {
      await docker(lab, 'volume', 'create', name)
      return docker(lab, 'volume', 'inspect', '--format', '{{.Mountpoint}}', name)
    }
    const mountpoint = await makeVolume('data')
    const data = writeDataSet(mountpoint, { files, totalBytes })
    await docker(lab, 'run', '--detach', '--name', 'web', '--volume', 'data:/data', 'bench:1')
    const folder = join(lab.dataRoot, 'bench')
    await mkdir(folder)
    return { lab, container: 'web', volume: 'data', image: 'bench:1', mountpoint, data, folder, makeVolume, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() }
  } catch (thrown) {
    await lab[Symbol.asyncDispose]()
    throw thrown
  }
}

async function docker(lab: LabHost, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await lab.docker(args)
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

async function checkSpace(neededMib: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir())
  if ((bavail * bsize) / mib < neededMib) throw new Error(`the benchmark needs ${neededMib} MiB in "${tmpdir()}", ${Math.floor((bavail * bsize) / mib)} MiB are free: try --mib or another TMPDIR`)
}

/** The file that holds the file system is not cached a second time. */
async function passByCache(mountPoint: string): Promise<void> {
  const device = (await must('findmnt', ['--noheadings', '--output', 'SOURCE', mountPoint])).trim()
  await must('losetup', ['--direct-io=on', device])
}
