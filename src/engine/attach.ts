import { PassThrough, Readable, Writable, type Duplex } from 'node:stream'
import { DrayError } from '../errors/dray-error.ts'
import { toError, type ApiClient, type ApiRequest } from './api-client.ts'
import { Demultiplexer } from './demultiplexer.ts'
import type { AttachedStreams, CallOptions } from './engine.ts'
import { connectionLost, fromCall } from './engine-error.ts'
import { encodeName } from './plain-verbs.ts'
import { hasTerminal } from './terminal.ts'

/** Attaches to a container, before its start as a rule. The wanted streams must all be read: they share one connection. */
export async function attachTo(client: ApiClient, id: string, wanted: { stdin: boolean; stdout: boolean; stderr: boolean }, options?: CallOptions): Promise<AttachedStreams> {
  const raw = await hasTerminal(client, id, options)
  const request: ApiRequest = { method: 'POST', path: `/containers/${encodeName(id)}/attach`, query: { stream: true, ...wanted }, doing: `running container "${id}"`, signal: options?.signal }
  const attached = splitConnection(client, await client.hijack(request), raw, request)
  if (!wanted.stdin) attached.stdin.end()
  if (!wanted.stdout) attached.stdout.resume()
  if (!wanted.stderr) attached.stderr.resume()
  return attached
}

/**
 * The streams of a hijacked connection. A connection that was lost looks like the process's end when the engine was killed
 * (its kernel closes the socket in good order), so at the end the engine is asked for a sign of life.
 */
export function splitConnection(client: ApiClient, socket: Duplex, raw: boolean, request: ApiRequest): AttachedStreams {
  const { sink, stdout, stderr } = raw ? rawStreams() : multiplexedStreams()
  const { doing, signal } = request
  let closed = false
  const close = (): void => {
    closed = true
    socket.destroy()
    sink.destroy()
    stdin.destroy()
  }
  const assertEngineLives = async (): Promise<void> => {
    await client.quick({ method: 'GET', path: '/_ping', doing, signal }).catch((cause: unknown) => {
      throw signal?.aborted === true ? cause : connectionLost(client.address, doing, cause)
    })
  }
  const stdin = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      socket.write(chunk, error => {
        if (!error) callback()
        else void assertEngineLives().then(() => callback(new DrayError('io-failed', `${doing}: the process did not read all of its input`, { cause: error })), callback)
      })
    },
    final(callback) {
      socket.end(callback)
    },
  })
  const abort = (): void => {
    closed = true
    socket.destroy()
    sink.destroy(toError(signal?.reason))
    stdin.destroy(toError(signal?.reason))
  }
  const listen = (): void => signal?.addEventListener('abort', abort, { once: true })
  // Every failure reaches the caller through the stream it reads or writes; these listeners only keep it from being uncaught.
  for (const stream of [sink, stdin, socket]) stream.on('error', () => undefined)
  socket.once('close', () => signal?.removeEventListener('abort', abort))
  if (signal?.aborted === true) abort()
  else listen()
  void forward(socket, sink, assertEngineLives).catch((thrown: unknown) => {
    if (!closed) sink.destroy(toError(fromCall(thrown, { ...request, address: client.address })))
  }).finally(() => socket.destroy())
  return { stdin, stdout, stderr, close }
}

async function forward(socket: Duplex, sink: Writable, beforeEnd: () => Promise<void>): Promise<void> {
  const chunks = socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  for await (const chunk of chunks) {
    await new Promise<void>((resolve, reject) => sink.write(chunk, error => (error ? reject(error) : resolve())))
  }
  await beforeEnd()
  sink.end()
}

type Streams = { readonly sink: Writable; readonly stdout: Readable; readonly stderr: Readable }

function rawStreams(): Streams {
  const both = new PassThrough()
  return { sink: both, stdout: both, stderr: Readable.from([]) }
}

function multiplexedStreams(): Streams {
  const sink = new Demultiplexer()
  return { sink, stdout: sink.stdout, stderr: sink.stderr }
}
