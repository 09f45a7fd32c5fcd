import type { Json } from '../api-types.ts'
import type { EngineFacts } from '../engine.ts'
import { isDefaultMasked, isDefaultReadOnly } from './default-paths.ts'
import { isEmpty } from './field-rule.ts'
import { defaultCgroupMode } from './host-config.ts'
import { objectOf } from './json-values.ts'
import type { ValueDifference } from './same-value.ts'

type Engines = { readonly source: EngineFacts; readonly target: EngineFacts }

/** A difference that comes from the engines and not from the spec, and why. */
type DefaultRule = { readonly field: string; readonly reason: string; readonly holds: (recorded: Json, restored: Json, engines: Engines) => boolean }

const rules: readonly DefaultRule[] = [
  { field: 'HostConfig.MaskedPaths', reason: 'each engine masks its own list of paths by default', holds: (recorded, restored) => isDefaultMasked(recorded) && isDefaultMasked(restored) },
  { field: 'HostConfig.ReadonlyPaths', reason: 'each engine has its own list of read-only paths by default', holds: (recorded, restored) => isDefaultReadOnly(recorded) && isDefaultReadOnly(restored) },
  { field: 'HostConfig.LogConfig', reason: 'the target\'s default log driver and options', holds: isDefaultLog },
  { field: 'HostConfig.Runtime', reason: 'the target\'s default runtime', holds: (recorded, restored, { source, target }) => recorded === source.defaultRuntime && restored === target.defaultRuntime },
  { field: 'HostConfig.CgroupnsMode', reason: 'the default of the target\'s control groups', holds: (recorded, restored, { source, target }) => source.cgroupVersion !== target.cgroupVersion && recorded === defaultCgroupMode(source.cgroupVersion) && restored === defaultCgroupMode(target.cgroupVersion) },
  { field: 'HostConfig.Ulimits', reason: 'the target adds its own default limits', holds: (recorded, restored) => Array.isArray(restored) && isPartOf(recorded, restored) },
  { field: 'HostConfig.MemorySwap', reason: 'made by the engine: twice the memory, or -1 without swap accounting', holds: (recorded, restored, { source, target }) => source.info['SwapLimit'] !== target.info['SwapLimit'] && (recorded === -1 || restored === -1) },
  { field: 'HostConfig.SecurityOpt', reason: 'label=disable is added by engines themselves', holds: (recorded, restored) => isEmptyOrLabel(recorded) && isEmptyOrLabel(restored) },
  { field: 'State.Status', reason: 'an ended container comes back created: it has not run there', holds: (recorded, restored) => restored === 'created' && (recorded === 'exited' || recorded === 'dead') },
]

/** The reason why a difference is none of the spec's; undefined when it is a real one. */
export function reasonOfDefault({ field, recorded, restored }: ValueDifference, engines: Engines): string | undefined {
  return rules.find(rule => rule.field === field && rule.holds(recorded, restored, engines))?.reason
}

function isDefaultLog(recorded: Json, restored: Json, { source, target }: Engines): boolean {
  const { Type: before, Config: options } = objectOf(recorded)
  return before === source.loggingDriver && isEmpty(options) && objectOf(restored)['Type'] === target.loggingDriver
}

function isPartOf(some: Json, all: readonly Json[]): boolean {
  const texts = new Set(all.map(each => JSON.stringify(each)))
  return (Array.isArray(some) ? some : []).every(each => texts.has(JSON.stringify(each)))
}

function isEmptyOrLabel(value: Json): boolean {
  return isEmpty(value) || (Array.isArray(value) && value.length === 1 && value[0] === 'label=disable')
}
