import { pipeline } from 'node:stream/promises'
import type { ApiClient } from './api-client.ts'
import { Demultiplexer } from './demultiplexer.ts'
import type { CallOptions } from './engine.ts'
import { encodeName } from './plain-verbs.ts'
import { readToEnd } from './read-to-end.ts'
import { hasTerminal } from './terminal.ts'

/** The last lines of a container's log, both streams in the order in which the engine tells them. */
export async function readLog(client: ApiClient, id: string, tail: number, options?: CallOptions): Promise<string> {
  const raw = await hasTerminal(client, id, options)
  const { body } = await client.download({ method: 'GET', path: `/containers/${encodeName(id)}/logs`, query: { stdout: true, stderr: true, tail }, doing: `reading the log of container "${id}"`, signal: options?.signal })
  if (raw) return (await readToEnd(body)).toString()
  const streams = new Demultiplexer()
  const pieces: Buffer[] = []
  for (const readable of [streams.stdout, streams.stderr]) readable.on('data', (piece: Buffer) => pieces.push(piece))
  await pipeline(body, streams)
  return Buffer.concat(pieces).toString()
}
