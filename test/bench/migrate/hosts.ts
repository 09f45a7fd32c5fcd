import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from '../../lab/command.ts'
import type { EngineName } from '../../lab/engines.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage, importImage } from '../../lab/images.ts'
import { writeDataSet, type DataSet } from '../data-set.ts'

export const mib = 1024 * 1024
export const container = 'web'
export const port = 18080
const baseImage = 'bench/base:1'
const writableBytes = 5 * mib

export type SourceOptions = { readonly engine: EngineName; readonly imageBytes: number; readonly files: number; readonly dataBytes: number; readonly isAnonymous: boolean }

/** A host whose container serves a page, with a big image, a few MB in its writable layer, and a volume with the data. */
export type SourceHost = AsyncDisposable & {
  readonly lab: LabHost
  readonly data: DataSet
  readonly newBytes: number
  readonly mountpoint: string
  readonly isAnonymous: boolean
  /** The base image as a file, for targets that have it before. */
  readonly baseTar: string
}

export async function startSource({ engine, imageBytes, files, dataBytes, isAnonymous }: SourceOptions): Promise<SourceHost> {
  const lab = await startHost({ engine, name: 'old', storageMib: 2048 + Math.ceil((3 * imageBytes + dataBytes) / mib) })
  const folder = await mkdtemp(join(tmpdir(), 'drayage-bench-image-'))
  const dispose = async (): Promise<void> => {
    await lab[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await busyboxImage(lab, 'bench/busybox:1')
    const root = join(folder, 'root')
    await must('mkdir', ['-p', join(root, 'usr/share')])
    writeDataSet(join(root, 'usr/share'), { files: 3000, totalBytes: imageBytes })
    await lab.sh('docker create --name rootfs bench/busybox:1 >/dev/null')
    await must('sh', ['-c', 'docker --host "$1" export rootfs | tar -x -C "$2"', 'sh', `unix://${lab.socket}`, root])
    await lab.sh('docker rm rootfs >/dev/null')
    await importImage(lab, baseImage, root, { cmd: ['httpd', '-f', '-p', '80', '-h', '/data'], env: { PATH: '/bin' } })
    await rm(root, { recursive: true })
    const baseTar = join(folder, 'base.tar')
    await must('sh', ['-c', 'docker --host "$1" save --output "$2" "$3"', 'sh', `unix://${lab.socket}`, baseTar, baseImage])
    await lab.sh(`docker run -d --init --restart always --name ${container} -p ${port}:80 -v ${isAnonymous ? '' : 'data:'}/data ${baseImage} >/dev/null`)
    const mountpoint = (await lab.sh(`docker inspect -f '{{(index .Mounts 0).Source}}' ${container}`)).trim()
    const data = writeDataSet(mountpoint, { files, totalBytes: dataBytes })
    await lab.sh(`printf 'the page\\n' > ${mountpoint}/index.html; docker exec ${container} sh -c 'head -c ${writableBytes} /dev/urandom > /opt-file'; sync`)
    return { lab, data, newBytes: data.bytes + writableBytes, mountpoint, isAnonymous, baseTar, [Symbol.asyncDispose]: dispose }
  } catch (thrown) {
    await dispose()
    throw thrown
  }
}

/** A new host for each run: nothing was deleted in its file system, and nothing is there but perhaps the base image. */
export async function startTarget({ lab, newBytes, baseTar }: SourceHost, engine: EngineName, hasBase: boolean): Promise<LabHost> {
  const target = await startHost({ engine, name: 'new', storageMib: 4096 + Math.ceil((2 * newBytes) / mib) })
  if (hasBase) await must('docker', ['--host', `unix://${target.socket}`, 'load', '--quiet', '--input', baseTar])
  await Promise.all([lab.sh('sync'), target.sh('sync')])
  return target
}

/** As before a migration. */
export async function wakeSource({ lab }: SourceHost): Promise<void> {
  await lab.sh(`docker update --restart always ${container} >/dev/null; docker start ${container} >/dev/null; docker image prune --force >/dev/null`)
}
