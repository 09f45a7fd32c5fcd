import { Agent } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Duplex } from 'node:stream'
import type { TlsMaterial } from './endpoint.ts'

/** Opens one connection to the engine. Failures are `error` events of the stream. */
export type Dial = () => Duplex

const keepAliveMs = 10_000
/** A connection attempt that gets no answer ends after this time, as with ssh. */
const connectTimeoutMs = 30_000

export const dialUnix = (path: string): Dial => () => connectTcp({ path })

export const dialTcp = (host: string, port: number): Dial => () => {
  const socket = connectTcp({ host, port, keepAlive: true, keepAliveInitialDelay: keepAliveMs, noDelay: true })
  return limitConnectTime(socket, 'connect')
}

export const dialTls = (host: string, port: number, { verify, ...material }: TlsMaterial): Dial => () => {
  const socket = connectTls({ host, port, servername: /^[\d.]+$|:/.test(host) ? '' : host, rejectUnauthorized: verify, ...material })
  socket.setKeepAlive(true, keepAliveMs)
  socket.setNoDelay(true)
  return limitConnectTime(socket, 'secureConnect')
}

function limitConnectTime<Socket extends Duplex>(socket: Socket, connected: string): Socket {
  const timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error(`no answer within ${connectTimeoutMs / 1000} s`), { code: 'ETIMEDOUT' }))
  }, connectTimeoutMs)
  const stop = (): void => clearTimeout(timer)
  socket.once(connected, stop).once('close', stop)
  return socket
}

/**
 * Two agents over one way to connect. Short calls share a few connections. A stream, and a call that may take long, has a
 * connection of its own that is never reused: it waits for no other call, and no stale socket can fail it.
 */
export type EngineAgents = { readonly shared: Agent; readonly own: Agent; destroy(): void }

export function createAgents(dial: Dial): EngineAgents {
  const open = new Set<Duplex>()
  class EngineAgent extends Agent {
    override createConnection(): Duplex {
      const socket = dial()
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      return socket
    }
  }
  const shared = new EngineAgent({ keepAlive: true, maxSockets: 4 })
  const own = new EngineAgent({ keepAlive: false })
  return {
    shared,
    own,
    destroy() {
      for (const socket of open) socket.destroy()
      shared.destroy()
      own.destroy()
    },
  }
}
