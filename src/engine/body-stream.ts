import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/**
 * The body of an answer as a Readable that ends only when the engine ended it: a cut body is an error, translated. When
 * the signal fires it fails with the signal's reason. Destroying it closes the connection.
 */
export function bodyStream(response: IncomingMessage, translate: (thrown: unknown) => Error, signal?: AbortSignal): Readable {
  const abort = (): void => void body.destroy(translate(signal?.reason))
  const body = new Readable({
    read: () => void response.resume(),
    destroy(error, callback) {
      signal?.removeEventListener('abort', abort)
      if (!response.complete || !response.readableEnded) response.destroy()
      callback(error)
    },
  })
  const cut = (): Error => Object.assign(new Error('the body was cut'), { code: 'ECONNRESET' })
  response.on('data', (chunk: Buffer) => {
    if (!body.push(chunk)) response.pause()
  })
  response.once('end', () => {
    if (response.complete) body.push(null)
    else body.destroy(translate(cut()))
  })
  response.on('error', error => void body.destroy(translate(error)))
  response.once('close', () => {
    if (!response.complete) body.destroy(translate(cut()))
  })
  response.pause()
  signal?.addEventListener('abort', abort, { once: true })
  return body
}
