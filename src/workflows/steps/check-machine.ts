import type { JsonObject } from '../../engine/api-types.ts'
import type { Engine, EngineFacts } from '../../engine/engine.ts'
import { nameOf, type ContainerRecord } from '../../engine/spec/spec-record.ts'
import type { BindKind } from '../../mounts/bind-kind.ts'
import type { Obstacles } from '../obstacles.ts'

export type MachineJob = { readonly engine: Engine; readonly kindOf: (path: string) => Promise<BindKind>; readonly obstacles: Obstacles }

/** Go's names of architectures, as the kernel's emulators are named. */
const emulators: Readonly<Record<string, string>> = { amd64: 'x86_64', '386': 'i386', arm64: 'aarch64', arm: 'arm', riscv64: 'riscv64', ppc64le: 'ppc64le', s390x: 's390x', mips64le: 'mips64el', loong64: 'loongarch64' }

/** Processors that run programs of another kind by themselves. */
const runsToo: Readonly<Record<string, readonly string[]>> = { amd64: ['386'], arm64: ['arm'] }

/** What a container wants of the machine: its kind of processor, devices, graphics processors. */
export async function checkMachine(job: MachineJob, record: ContainerRecord): Promise<void> {
  await checkArchitecture(job, record)
  await checkDevices(job, record)
  await checkGpus(job, record)
}

async function checkArchitecture({ engine: { facts }, kindOf, obstacles }: MachineJob, { image, inspect }: ContainerRecord): Promise<void> {
  const wanted = image?.Architecture ?? ''
  if (wanted === '' || runs(facts, wanted, image?.Os ?? '')) return
  const what = `the image of container "${nameOf(inspect)}" is for ${image?.Os ?? ''}/${wanted}, and the target is ${facts.os}/${facts.architecture}`
  if (image?.Os !== facts.os) obstacles.add(what, 'choose a target of the same kind')
  else if ((await kindOf(`/proc/sys/fs/binfmt_misc/qemu-${emulators[wanted] ?? wanted}`)) === 'missing') obstacles.add(`${what}, without an emulator`, 'choose a target of the same kind, or install an emulator there (qemu-user-binfmt)')
}

function runs({ os, architecture }: EngineFacts, wanted: string, wantedOs: string): boolean {
  return os === wantedOs && (architecture === wanted || runsToo[architecture]?.includes(wanted) === true)
}

async function checkDevices({ kindOf, obstacles }: MachineJob, { inspect }: ContainerRecord): Promise<void> {
  const devices = (inspect.HostConfig['Devices'] ?? []) as readonly { readonly PathOnHost?: string }[] | null
  for (const { PathOnHost } of devices ?? []) {
    if (PathOnHost !== undefined && (await kindOf(PathOnHost)) === 'missing') obstacles.add(`container "${nameOf(inspect)}" uses the device "${PathOnHost}", which the target does not have`, 'choose a target that has it')
  }
}

/** The engine finds NVIDIA's hook in its PATH; other drivers are devices of the container device interface. */
async function checkGpus({ engine: { facts }, kindOf, obstacles }: MachineJob, { inspect }: ContainerRecord): Promise<void> {
  const requests = (inspect.HostConfig['DeviceRequests'] ?? []) as readonly JsonObject[] | null
  const wantsGpu = (requests ?? []).some(({ Driver, Capabilities }) => Driver === 'nvidia' || JSON.stringify(Capabilities ?? []).includes('gpu'))
  if (!wantsGpu || facts.runtimes.includes('nvidia')) return
  const found = await Promise.all(['/usr/bin', '/usr/local/bin'].map(folder => kindOf(`${folder}/nvidia-container-runtime-hook`)))
  if (found.every(kind => kind === 'missing')) obstacles.add(`container "${nameOf(inspect)}" uses a graphics processor, and the target has no NVIDIA container runtime`, 'install nvidia-container-toolkit on the target, or choose another target')
}
