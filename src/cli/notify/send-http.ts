import { setTimeout as sleep } from 'node:timers/promises'
import { DrayError, messageOf } from '../../errors/dray-error.ts'

export type HttpMessage = { readonly url: string; readonly body?: string; readonly contentType?: string }

const timeoutMs = 10_000
const waits = [1000, 4000]

/**
 * Sends it, three times at the most: what fails by the network or the server (5xx, 429) is tried again. Throws `io-failed` with
 * the host's name only: the rest of such an address is often a secret.
 */
export async function sendHttp({ url, body, contentType = 'text/plain; charset=utf-8' }: HttpMessage, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const problem = await trySending(url, body, contentType, signal)
    if (problem === undefined) return
    const wait = waits[attempt]
    if (problem.isFinal || wait === undefined) throw new DrayError('io-failed', `"${new URL(url).host}" ${problem.text}`)
    await sleep(wait, undefined, { signal })
  }
}

async function trySending(url: string, body: string | undefined, contentType: string, signal: AbortSignal): Promise<{ readonly text: string; readonly isFinal: boolean } | undefined> {
  try {
    const request: RequestInit = { method: body === undefined ? 'GET' : 'POST', redirect: 'follow', signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]), ...(body === undefined ? {} : { body, headers: { 'content-type': contentType } }) }
    const response = await fetch(url, request)
    await response.body?.cancel()
    if (response.ok) return undefined
    return { text: `answered ${response.status}`, isFinal: response.status < 500 && response.status !== 429 }
  } catch (thrown) {
    signal.throwIfAborted()
    const cause = thrown instanceof TypeError && thrown.cause !== undefined ? thrown.cause : thrown
    return { text: `did not answer: ${messageOf(cause)}`, isFinal: false }
  }
}
