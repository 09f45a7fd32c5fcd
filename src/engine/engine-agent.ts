import { Agent } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Duplex } from 'node:stream'
import type { TlsMaterial } from './endpoint.ts'
import { Unreachable } from './unreachable.ts'

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
 * Keeps finished connections for the next call, a few of them: over ssh each costs a process here and one there. There is no
 * upper limit, since a call that waits for a stream's connection would wait for ever; short calls are limited by their caller.
 */
export class EngineAgent extends Agent {
  readonly #dial: Dial
  readonly #open = new Set<Duplex>()
  #isGivenUp = false

  constructor(dial: Dial) {
    super({ keepAlive: true, maxFreeSockets: 4 })
    this.#dial = dial
  }

  override createConnection(): Duplex {
    const socket = this.#isGivenUp ? unanswered() : this.#dial()
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    return socket
  }

  /** Nobody waits for the engine any more: what is asked of it now fails at once, and what was asked ends. */
  giveUp(): void {
    this.#isGivenUp = true
    this.destroy()
  }

  /** Ends all connections, raw ones and those in use as well. */
  override destroy(): void {
    for (const socket of this.#open) socket.destroy()
    super.destroy()
  }
}

/** A connection that fails when it has been given to whoever asked. */
function unanswered(): Duplex {
  const socket = new Duplex({ read: () => undefined, write: () => undefined })
  setImmediate(() => socket.destroy(new Unreachable('engine-unreachable', 'it has not answered for long, and is not asked again', ['dray clean puts right what is left, when it answers again'])))
  return socket
}
