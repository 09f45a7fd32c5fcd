import type { ImageInspect, JsonObject } from '../api-types.ts'
import type { EngineFacts } from '../engine.ts'
import { configToSend } from './container-config.ts'
import { hostConfigToSend } from './host-config.ts'
import { planEndpoints, type EndpointPlan } from './network-endpoints.ts'
import { networksToCreate, type NetworkCreate } from './network-request.ts'
import { remapRecord, type Remaps } from './remap-record.ts'
import { stopAtObstacles, type Finding, type ReplayContext, type TargetPeer } from './replay-context.ts'
import type { ContainerRecord } from './spec-record.ts'
import { refuseSwarmTask } from './swarm-task.ts'
import { unknownFields } from './unknown-fields.ts'
import { anonymousVolumes, volumesToCreate, type AnonymousVolume, type VolumeCreate } from './volume-request.ts'

export type ReplayOptions = {
  readonly target: EngineFacts
  readonly name: string
  /** Sent as Config.Image: it must mean the wanted image at the moment of create. */
  readonly imageRef: string
  readonly remaps: Remaps
  /** Containers on the target, by the recorded name, that stand for those the spec refers to. */
  readonly peers: ReadonlyMap<string, TargetPeer>
  /** Fields, as `HostConfig.Runtime`, that are not sent. */
  readonly leaveOut?: ReadonlySet<string>
  /** Takes what makes the request impossible, which is thrown otherwise. The request is of no use then. */
  readonly obstacles?: { add(text: string, hint: string): void }
}

export type CreateRequest = {
  readonly name: string
  readonly platform?: string
  /** For POST /containers/create. */
  readonly body: JsonObject
  /** In this order, after create and before start: disconnects, connects. */
  readonly disconnects: EndpointPlan['disconnects']
  readonly connects: EndpointPlan['connects']
  /** Before create. What exists on the target already is the caller's to judge. */
  readonly volumes: readonly VolumeCreate[]
  readonly networks: readonly NetworkCreate[]
  /** Made by create, and perhaps filled from the image by it: to be emptied and filled afterwards. */
  readonly anonymous: readonly AnonymousVolume[]
  /** What depends on the host, or that dray does not know: nothing is lost by itself. */
  readonly notes: readonly Finding[]
  /** What the target does not get, with the reason. */
  readonly losses: readonly Finding[]
}

/**
 * Turns a recorded container into the requests that make it again on the target. Throws `conflict`, naming everything at once,
 * for what is missing on the target; `refused` for a task of a swarm; `usage` for a remap that cannot be.
 */
export function toCreateRequest(recorded: ContainerRecord, { target, name, imageRef, remaps, peers, leaveOut = new Set(), obstacles }: ReplayOptions): CreateRequest {
  refuseSwarmTask(recorded.inspect)
  const record = remapRecord(recorded, remaps)
  const context: ReplayContext = { record, target, imageRef, peers, leaveOut, notes: [], losses: [], obstacles: [] }
  const { networkMode, atCreate, disconnects, connects } = planEndpoints(context)
  const config = configToSend(context)
  const hostConfig = hostConfigToSend(context, networkMode)
  const volumes = volumesToCreate(context)
  const networks = networksToCreate(context)
  noteDifferentHost(context)
  noteUnknown(context)
  if (obstacles === undefined) stopAtObstacles(context)
  else for (const { text, hint } of context.obstacles) obstacles.add(text, hint)
  const platform = platformToSend(record.image, target)
  return {
    name,
    ...(platform === undefined ? {} : { platform }),
    body: { ...config, HostConfig: hostConfig, ...(Object.keys(atCreate).length > 0 ? { NetworkingConfig: { EndpointsConfig: atCreate } } : {}) },
    disconnects,
    connects,
    volumes,
    networks,
    anonymous: anonymousVolumes(context),
    notes: context.notes,
    losses: context.losses,
  }
}

/** Sent only for another architecture: engines up to 23 refuse a platform that an image does not name exactly. */
function platformToSend(image: ImageInspect | undefined, target: EngineFacts): string | undefined {
  if (image === undefined || image.Architecture === '' || image.Architecture === target.architecture) return undefined
  return [image.Os, image.Architecture, image.Variant ?? ''].filter(part => part !== '').join('/')
}

function noteDifferentHost({ record: { engine, image }, target, notes }: ReplayContext): void {
  const platform = platformToSend(image, target)
  if (platform !== undefined) notes.push({ field: 'Platform', text: `the image is for ${platform}: the target, ${target.os}/${target.architecture}, has to emulate it` })
  if (engine.userns !== target.userns || engine.rootless !== target.rootless) notes.push({ field: 'HostConfig.UsernsMode', text: 'one of the engines maps user ids and the other does not: owners of files differ' })
}

/** Fields of Config, HostConfig and endpoints are noted when they are sent; the others cannot be sent at all. */
function noteUnknown({ record, losses }: ReplayContext): void {
  for (const field of unknownFields(record.inspect)) {
    if (!/^(?:Config|HostConfig|NetworkSettings\.Networks)\./.test(field)) losses.push({ field, text: 'dray does not know this field, and create does not take it' })
  }
}
