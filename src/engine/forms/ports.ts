import type { Json, JsonObject } from '../api-types.ts'
import { objectOf, text } from '../spec/json-values.ts'

/** Values of `--publish`: `127.0.0.1:8080:80`, `53:53/udp`, `80` for any free port. */
export function publishedPorts(bindings: Json | undefined): string[] {
  return Object.entries(objectOf(bindings)).flatMap(([port, value]) => {
    const target = port.replace(/\/tcp$/, '')
    const places = Array.isArray(value) && value.length > 0 ? value.map(objectOf) : [{}]
    return places.map(place => publishedPort(place, target))
  })
}

function publishedPort({ HostIp, HostPort }: JsonObject, target: string): string {
  const [address, port] = [text(HostIp), text(HostPort)]
  if (address === '') return port === '' ? target : `${port}:${target}`
  return `${address.includes(':') ? `[${address}]` : address}:${port}:${target}`
}

/** Ports that are exposed without being published: publishing exposes by itself. */
export function exposedAlone(exposed: Json | undefined, bindings: Json | undefined): string[] {
  return Object.keys(objectOf(exposed)).filter(port => !Object.hasOwn(objectOf(bindings), port)).map(port => port.replace(/\/tcp$/, ''))
}
