import type { JsonObject } from '../api-types.ts'
import { toCreateRequest, type CreateRequest } from '../spec/create-request.ts'
import { isEmpty } from '../spec/field-rule.ts'
import { defaultCgroupMode } from '../spec/host-config.ts'
import { objectOf, stringsOf } from '../spec/json-values.ts'
import { withImage, withoutImage } from '../spec/over-image.ts'
import { noRemaps } from '../spec/remap-record.ts'
import { differencesOf } from '../spec/same-value.ts'
import { nameOf, type ContainerRecord } from '../spec/spec-record.ts'
import { configFields } from '../spec/container-fields.ts'

/** Adds a sentence about what the form cannot say. */
export type Inexpressible = (text: string) => void

/** A container to be described: what an engine has to be asked for to have it again, where it was recorded. */
export type Subject = {
  readonly name: string
  readonly record: ContainerRecord
  readonly request: CreateRequest
  /** Config, without what the image brings. */
  readonly own: JsonObject
  /** HostConfig as it is sent, without what engines choose by themselves. */
  readonly host: JsonObject
  readonly image: string
  /** What no form can say: the rest of it is for the form to find. */
  readonly gaps: readonly string[]
  /** Environment variables whose values are left out. */
  readonly hidden: ReadonlySet<string>
}

const usualShmSize = 67_108_864
const secretName = /pass|pwd|secret|token|credential|private|api_?key|access_?key|auth/i

export function toSubject(record: ContainerRecord, { redact }: { readonly redact: boolean }): Subject {
  const name = nameOf(record.inspect)
  const { Config } = record.inspect
  const gaps: string[] = []
  const peers = new Map(record.peers.map(peer => [peer.name, { name: peer.name }]))
  const request = toCreateRequest(record, { target: record.engine, name, imageRef: Config.Image, remaps: noRemaps, peers, obstacles: { add: text => gaps.push(text) } })
  gaps.push(...request.losses.map(({ field, text }) => `${field}: ${text}`))
  const image = record.image?.Config
  const sent: JsonObject = { ...request.body, Entrypoint: Config.Entrypoint, ExposedPorts: Config['ExposedPorts'] }
  const own = withoutImage(sent, image)
  const again = withImage(own, image)
  const lost = Object.keys(configFields).filter(field => differencesOf(field, configFields[field] ?? { compared: 'value' }, sent[field], again[field]).length > 0)
  gaps.push(...lost.map(field => `Config.${field}: the image brings something else, which cannot be taken away`))
  return { name, record, request, own, host: withoutUsual(objectOf(request.body['HostConfig']), record.engine.cgroupVersion), image: Config.Image, gaps, hidden: new Set(redact ? secretNames(own) : []) }
}

/** Names of the given environment variables whose values look like secrets. */
export function secretNames(own: JsonObject): string[] {
  return stringsOf(own['Env']).flatMap(line => {
    const [name, value] = splitOnce(line)
    return value !== '' && secretName.test(name) ? [name] : []
  })
}

export function splitOnce(line: string, by = '='): [string, string] {
  const at = line.indexOf(by)
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)]
}

/** What every engine chooses by itself if nobody says otherwise is not worth a word. */
function withoutUsual(host: JsonObject, cgroupVersion: string): JsonObject {
  const usual: JsonObject = { ShmSize: usualShmSize, IpcMode: 'private', ...(host['Privileged'] === true ? {} : { CgroupnsMode: defaultCgroupMode(cgroupVersion) }) }
  return Object.fromEntries(Object.entries(host).filter(([field, value]) => value !== usual[field]))
}

/** Fields that hold something and that a form's table does not know. */
export function unknownTo(table: Readonly<Record<string, unknown>>, part: string, fields: JsonObject): string[] {
  return Object.entries(fields).filter(([field, value]) => !isEmpty(value) && !Object.hasOwn(table, field)).map(([field]) => `${part}.${field}`)
}
