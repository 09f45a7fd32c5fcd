import { DrayError } from '../errors/dray-error.ts'
import type { ApiClient } from './api-client.ts'
import { connecting } from './engine-error.ts'
import type { EngineFacts } from './engine.ts'
import { parseAnswer } from './plain-verbs.ts'

/** The API versions dray is written for. 1.41 is Docker 20.10. */
export const oldestApi = '1.41'
export const newestApi = '1.52'

type Version = { Version?: string; ApiVersion?: string; MinAPIVersion?: string; Os?: string; Arch?: string; KernelVersion?: string }

/** Asks who the engine is, agrees on the version that all later calls carry, and reads what the engine says about itself. */
export async function negotiate(client: ApiClient, signal?: AbortSignal): Promise<EngineFacts> {
  const doing = connecting
  const version = parseAnswer(await client.quick({ method: 'GET', path: '/version', doing, signal }))
  if (!isRecord(version) || typeof version['ApiVersion'] !== 'string') {
    throw new DrayError('engine-unreachable', `what answers at "${client.address}" is not a docker engine`, { hints: ['check the address'] })
  }
  const { Version: serverVersion = '', ApiVersion: engineApiVersion = '', MinAPIVersion, Os = '', Arch = '', KernelVersion = '' } = version as Version
  client.apiVersion = agreeOnVersion(engineApiVersion, MinAPIVersion, serverVersion, client.address)
  const info = parseAnswer(await client.quick({ method: 'GET', path: '/info', doing, signal }))
  if (!isRecord(info)) throw new DrayError('engine-unreachable', `what answers at "${client.address}" is not a docker engine`, { hints: ['check the address'] })
  const text = (key: string): string => (typeof info[key] === 'string' ? info[key] : '')
  const securityOptions = Array.isArray(info['SecurityOptions']) ? info['SecurityOptions'].map(String) : []
  const driverStatus: unknown = info['DriverStatus']
  const containerd = Array.isArray(driverStatus) && driverStatus.some(pair => Array.isArray(pair) && pair[0] === 'driver-type' && pair[1] === 'io.containerd.snapshotter.v1')
  const variant = Arch === 'arm' ? /^armv(\d)/.exec(text('Architecture'))?.[1] : undefined
  return {
    id: text('ID'),
    name: text('Name'),
    serverVersion,
    engineApiVersion,
    apiVersion: client.apiVersion,
    os: Os,
    architecture: Arch,
    ...(variant === undefined ? {} : { variant: `v${variant}` }),
    kernel: KernelVersion,
    store: containerd ? 'containerd' : 'graphdriver',
    driver: text('Driver'),
    rootDir: text('DockerRootDir'),
    rootless: securityOptions.some(option => option.startsWith('name=rootless')),
    userns: securityOptions.some(option => option.startsWith('name=userns')),
    runtimes: isRecord(info['Runtimes']) ? Object.keys(info['Runtimes']) : [],
    defaultRuntime: text('DefaultRuntime'),
    loggingDriver: text('LoggingDriver'),
    cgroupVersion: text('CgroupVersion'),
    info,
  }
}

/** The newest version that both know. `refused` when there is none. */
export function agreeOnVersion(engines: string, enginesOldest: string | undefined, serverVersion: string, address: string): string {
  const agreed = compareVersions(engines, newestApi) < 0 ? engines : newestApi
  if (compareVersions(agreed, oldestApi) < 0) {
    throw new DrayError('refused', `the engine at "${address}" is docker ${serverVersion} (API ${engines}), which is too old: dray needs 20.10 (API ${oldestApi}) or newer`, { hints: ['upgrade the engine'] })
  }
  if (enginesOldest !== undefined && enginesOldest !== '' && compareVersions(agreed, enginesOldest) < 0) {
    throw new DrayError('refused', `the engine at "${address}" is docker ${serverVersion}, which wants API ${enginesOldest} or newer: dray speaks up to ${newestApi}`, { hints: ['upgrade dray'] })
  }
  return agreed
}

function compareVersions(left: string, right: string): number {
  const [leftMajor = 0, leftMinor = 0] = left.split('.').map(Number)
  const [rightMajor = 0, rightMinor = 0] = right.split('.').map(Number)
  return leftMajor - rightMajor || leftMinor - rightMinor
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
