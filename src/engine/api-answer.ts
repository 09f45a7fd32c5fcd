import type { ClientRequest, IncomingMessage } from 'node:http'
import { ApiFailure, isLost } from './engine-error.ts'
import { Unreachable } from './unreachable.ts'

export type ApiAnswer = { readonly status: number; readonly headers: IncomingMessage['headers']; readonly body: Buffer }

const mostErrorText = 64 * 1024

/** The engine had closed a kept connection just when it was used again: the request was not seen, as far as anyone can tell. */
export class StaleSocket extends Error {}

export async function responseTo(call: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    call.once('response', resolve)
    call.on('error', error => {
      reject(call.reusedSocket && (isLost(error) || error instanceof Unreachable) ? new StaleSocket(error.message, { cause: error }) : error)
    })
  })
}

/** The response, unless its status says no: then the daemon's words. 304 is a success: it was so already. */
export async function successOf(response: IncomingMessage): Promise<IncomingMessage> {
  const status = response.statusCode ?? 0
  if (status < 400) return response
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    length += piece.length
    if (length <= mostErrorText) pieces.push(piece)
  }
  throw new ApiFailure(status, wordsOf(Buffer.concat(pieces).toString()) || (response.statusMessage ?? `HTTP ${status}`))
}

function wordsOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string') return value.message.trim()
  } catch {
    // a proxy's own page, or plain text
  }
  return text.trim()
}

export async function readAnswer(response: IncomingMessage): Promise<ApiAnswer> {
  await successOf(response)
  const pieces: Buffer[] = []
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece)
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }
}
