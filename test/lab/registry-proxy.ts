import { createServer, request as requestHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What becomes of a request: it passes, is answered by the proxy, or its connection is cut after so many bytes of it, or of its answer. */
export type Fate = 'pass' | { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | { readonly cutAfter: number } | { readonly cutAnswerAfter: number }

export type Asked = { readonly method: string; readonly path: string; readonly number: number; readonly headers: IncomingMessage['headers'] }

/** Stands between a client and a registry, on 127.0.0.1. */
export interface RegistryProxy extends AsyncDisposable {
  readonly address: string
  readonly asked: Asked[]
  /** The largest body that was sent at once. */
  readonly largest: () => number
  fate: (request: Asked) => Fate
}

/** `address` of the registry, which speaks plain HTTP. Connections are closed when they are so old. */
export async function startRegistryProxy(address: string, { closeAfterMs }: { readonly closeAfterMs?: number } = {}): Promise<RegistryProxy> {
  const [host = '', port = ''] = address.split(':')
  const asked: Asked[] = []
  let largest = 0
  const made = { asked, largest: () => largest, fate: (): Fate => 'pass' }
  const server = createServer((request, response) => {
    largest = Math.max(largest, Number(request.headers['content-length'] ?? 0))
    const each = { method: request.method ?? '', path: request.url ?? '', number: asked.length, headers: request.headers }
    asked.push(each)
    const fate = (made.fate as RegistryProxy['fate'])(each)
    if (fate !== 'pass' && 'status' in fate) response.writeHead(fate.status, { ...fate.headers, connection: 'close' }).end()
    else forward(request, response, fate)
  })
  const forward = (request: IncomingMessage, response: ServerResponse, fate: Exclude<Fate, { status: number }>): void => {
    const onward = requestHttp({ host, port, method: request.method, path: request.url, headers: request.headers, agent: false }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      let left = fate !== 'pass' && 'cutAnswerAfter' in fate ? fate.cutAnswerAfter : Infinity
      if (left === 0) request.socket.destroy()
      answer.on('data', (bytes: Buffer) => {
        if (left <= 0) return
        response.write(bytes.subarray(0, left))
        if (left < bytes.length) setImmediate(() => request.socket.destroy())
        left -= bytes.length
      })
      answer.on('end', () => response.end()).on('error', () => request.socket.destroy())
    })
    onward.on('error', () => request.socket.destroy())
    request.on('close', () => {
      if (!request.complete) onward.destroy()
    })
    let left = fate !== 'pass' && 'cutAfter' in fate ? fate.cutAfter : Infinity
    const cut = (): void => {
      onward.destroy()
      request.socket.destroy()
    }
    if (left === 0) cut()
    request.on('data', (bytes: Buffer) => {
      if (left <= 0) return
      if (left < bytes.length) onward.write(bytes.subarray(0, left), cut)
      else onward.write(bytes)
      left -= bytes.length
    })
    request.on('end', () => onward.end())
  }
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    const timer = closeAfterMs === undefined ? undefined : setTimeout(() => socket.destroy(), closeAfterMs)
    socket.on('close', () => {
      clearTimeout(timer)
      sockets.delete(socket)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(made, {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  })
}
