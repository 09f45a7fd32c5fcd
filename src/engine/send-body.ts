import type { ClientRequest } from 'node:http'
import type { Readable } from 'node:stream'
import { toError } from './to-error.ts'

/** How long an upload waits for the engine's word to go on before it starts anyway: not every proxy passes that word on. */
const continueWaitMs = 1000

/**
 * Sends the body once the engine wants it, so that a refusal arrives before the bytes that it makes pointless. Fails with
 * the source's failure only; what the engine no longer takes is read and dropped.
 */
export async function sendBody(call: ClientRequest, source: Readable): Promise<void> {
  if (!(await bodyIsWanted(call))) return
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      if (!call.destroyed && !call.write(chunk)) await drained(call)
    }
    if (!call.destroyed) call.end()
  } catch (thrown) {
    call.destroy(toError(thrown))
    throw thrown
  }
}

async function bodyIsWanted(call: ClientRequest): Promise<boolean> {
  const wanted = new Promise<boolean>(resolve => {
    const timer = setTimeout(() => resolve(true), continueWaitMs)
    const settle = (value: boolean): void => {
      clearTimeout(timer)
      resolve(value)
    }
    call.once('continue', () => settle(true))
    call.once('response', response => settle((response.statusCode ?? 0) < 400))
    call.once('close', () => settle(false))
  })
  call.flushHeaders()
  return wanted
}

async function drained(call: ClientRequest): Promise<void> {
  await new Promise<void>(resolve => {
    const done = (): void => {
      call.off('drain', done).off('close', done)
      resolve()
    }
    call.on('drain', done).on('close', done)
  })
}
