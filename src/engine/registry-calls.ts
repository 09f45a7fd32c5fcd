import type { ApiClient } from './api-client.ts'
import { fromReportedFailure } from './engine-error.ts'
import type { CallOptions } from './engine.ts'
import { splitReference } from './image-reference.ts'
import { failureIn, readNdjson } from './ndjson.ts'
import { encodeName } from './plain-verbs.ts'

/** `auth` is the value of X-Registry-Auth. */
export type RegistryCall = CallOptions & { readonly auth: string; readonly onProgress?: (bytes: number) => void }

/** POST /images/…/push of one tag. Returns the manifest's digest, as the registry has it. */
export async function pushImage(client: ApiClient, ref: string, { auth, signal, onProgress }: RegistryCall): Promise<string | undefined> {
  const doing = `pushing "${ref}"`
  const { repo, tag } = splitReference(ref)
  let digest: string | undefined
  for await (const value of await lines(client, { path: `/images/${encodeName(repo)}/push`, query: { tag }, doing, auth, signal, onProgress })) {
    digest = digestIn(value) ?? digest
  }
  return digest
}

/** POST /images/create of one tag or digest. */
export async function pullImage(client: ApiClient, ref: string, { auth, signal, onProgress }: RegistryCall): Promise<void> {
  const [repo = ref, digest] = ref.split('@')
  const query = digest === undefined ? { fromImage: splitReference(ref).repo, tag: splitReference(ref).tag } : { fromImage: repo, tag: digest }
  const answer = await lines(client, { path: '/images/create', query, doing: `pulling "${ref}"`, auth, signal, onProgress })
  while (!(await answer.next()).done);
}

type Lines = { readonly path: string; readonly query: Record<string, string>; readonly doing: string; readonly auth: string; readonly signal: AbortSignal | undefined; readonly onProgress: ((bytes: number) => void) | undefined }

/** The answer is a success from the start, so its lines decide. */
async function lines(client: ApiClient, { path, query, doing, auth, signal, onProgress }: Lines): Promise<AsyncGenerator> {
  const { body } = await client.download({ method: 'POST', path, query, doing, signal, headers: { 'X-Registry-Auth': auth } })
  return checked(body as AsyncIterable<Buffer>, doing, onProgress)
}

async function* checked(body: AsyncIterable<Buffer>, doing: string, onProgress: ((bytes: number) => void) | undefined): AsyncGenerator {
  const known = new Map<string, number>()
  for await (const value of readNdjson(body)) {
    const failure = failureIn(value)
    if (failure !== undefined) throw fromReportedFailure(failure, doing)
    const { id, status, progressDetail } = value as { id?: string; status?: string; progressDetail?: { current?: number } }
    const { current } = progressDetail ?? {}
    if (id !== undefined && current !== undefined && /^(Downloading|Pushing)$/.test(status ?? '')) {
      onProgress?.(Math.max(0, current - (known.get(id) ?? 0)))
      known.set(id, Math.max(current, known.get(id) ?? 0))
    }
    yield value
  }
}

function digestIn(value: unknown): string | undefined {
  const { aux, status } = value as { aux?: { Digest?: string }; status?: string }
  return aux?.Digest ?? /digest: (sha256:[0-9a-f]{64})/.exec(status ?? '')?.[1]
}
