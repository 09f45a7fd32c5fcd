import '../../one-realm.ts'
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { runTimed, type Measured } from '../../bench/timed-process.ts'
import { program } from '../../fault/cli/dray-process.ts'
import type { BackupFigures } from '../../lab/dray.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'

const containers = 30
const mib = 1024 * 1024
/** Of each: large files that cannot be compressed, and many small ones. 5 GB in all. */
const large = { files: 20, mib: 8 }
const small = { files: 400, kib: 16 }

let host: LabHost
let folder: string
let home: string

beforeAll(async () => {
  const { bavail, bsize } = await statfs(tmpdir())
  if (bavail * bsize < 16 * 1024 * mib) throw new Error(`the test needs 16 GiB in "${tmpdir()}"`)
  host = await startHost({ engine: '20.10' })
  folder = await mkdtemp(join(tmpdir(), 'drayage-thirty-'))
  home = join(folder, 'home')
  await busyboxImage(host, 'app:1')
  for (let n = 0; n < containers; n++) {
    const at = `${host.dataRoot}/volumes/data-${n}/_data`
    await host.docker(['volume', 'create', `data-${n}`])
    await host.sh(`cd ${at}; for i in $(seq ${large.files}); do head -c ${large.mib * mib} /dev/urandom > large-$i; done; mkdir small; head -c ${small.files * small.kib * 1024} /dev/urandom | split -b ${small.kib}k -a 4 - small/`)
    await host.docker(['run', '--detach', '--init', '--name', `app-${n}`, '--volume', `data-${n}:/data`, 'app:1', 'sh', '-c', 'echo mine > /root/own; while :; do sleep 100; done'])
  }
}, 600_000)

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await host[Symbol.asyncDispose]()
}, 120_000)

type Night = Measured & { readonly backups: readonly (BackupFigures & { readonly containers: readonly { readonly name: string; readonly freeze: { readonly way: string; readonly milliseconds: number } }[] })[] }

async function night(...args: readonly string[]): Promise<Night> {
  const measured = await runTimed(process.execPath, [program, 'backup', '--all', '--json', ...args], { env: { PATH: process.env['PATH'], HOME: home, DOCKER_HOST: `unix://${host.socket}`, DRAY_REPO: join(home, 'repo') } })
  const { backups } = JSON.parse(measured.stdout.trim().split('\n').at(-1) ?? '') as Pick<Night, 'backups'>
  const frozen = backups.flatMap(backup => backup.containers.map(({ freeze }) => freeze.milliseconds)).sort((a, b) => a - b)
  process.stderr.write(`thirty containers ${args.join(' ')}: ${measured.seconds.toFixed(1)} s, ${measured.cpuSeconds.toFixed(1)} s of CPU, at most ${Math.round(measured.peakBytes / mib)} MiB; frozen ${frozen[0] ?? 0} to ${frozen.at(-1) ?? 0} ms, ${frozen[containers / 2] ?? 0} in the middle\n`)
  expect(backups).toHaveLength(containers)
  for (const { containers: [container], mounts: [mount] } of backups) {
    expect(container?.freeze).toMatchObject({ way: 'pause', milliseconds: expect.any(Number) })
    expect(mount).toMatchObject({ entries: large.files + small.files + 2, dataBytes: large.files * large.mib * mib + small.files * small.kib * 1024 })
  }
  expect(measured.peakBytes).toBeLessThan(300e6)
  return measured.peakBytes === 0 ? Promise.reject(new Error('the memory was not seen')) : { ...measured, backups }
}

test('5 GB of 30 containers in one run; a night without changes takes less than 15 % of that; both less than 300 MB of memory', async () => {
  const first = await night()
  const second = await night()
  expect(second.backups.every(({ storedBytes, mounts: [mount] }) => storedBytes === 0 && mount?.readBytes === 0)).toBe(true)
  process.stderr.write(`thirty containers: the second night took ${(100 * second.seconds / first.seconds).toFixed(1)} % of the time, ${(100 * second.cpuSeconds / first.cpuSeconds).toFixed(1)} % of the CPU\n`)
  expect(second.seconds / first.seconds).toBeLessThan(0.15)
}, 1_200_000)
