import { DrayError } from '../../errors/dray-error.ts'
import type { JsonObject } from '../api-types.ts'

type HostPort = { readonly address: string | undefined; readonly port: string }

/** Stands where another port of the host would. */
export const unpublished = 'none'

/** Changes the host's side of a published port. `127.0.0.1:80` matches that address only, `80` every address. Undefined: it is not published. */
export function remapPort(binding: JsonObject, ports: ReadonlyMap<string, string>): JsonObject | undefined {
  const address = typeof binding['HostIp'] === 'string' ? binding['HostIp'] : ''
  const port = typeof binding['HostPort'] === 'string' ? binding['HostPort'] : ''
  if (port === '') return binding
  const wanted = [...ports].map(([from, to]) => ({ from: parseHostPort(from), to: to === unpublished ? undefined : parseHostPort(to) }))
  const match = wanted.find(({ from }) => from.port === port && from.address === (address === '' ? '0.0.0.0' : address)) ?? wanted.find(({ from }) => from.port === port && from.address === undefined)
  if (match === undefined) return binding
  return match.to === undefined ? undefined : { ...binding, HostIp: match.to.address ?? address, HostPort: match.to.port }
}

/** `80`, `8000-8010`, `127.0.0.1:80` or `[::1]:80`; anything else is `usage`. */
export function parseHostPort(text: string): HostPort {
  const parts = /^(?:(?:\[([0-9a-f:.]+)\]|([0-9.]+)):)?(\d{1,5}(?:-\d{1,5})?)$/i.exec(text)
  if (parts === null) throw new DrayError('usage', `"${text}" is not a port of the host`, { hints: ['write a port as 80, or with an address as 127.0.0.1:80'] })
  return { address: parts[1] ?? parts[2], port: parts[3] ?? '' }
}
