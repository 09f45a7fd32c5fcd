import { listContexts } from '../../engine/docker-context.ts'
import type { Engine } from '../../engine/engine.ts'
import { resolveEndpoint } from '../../engine/resolve-endpoint.ts'
import { listBackups } from '../../store/backup-list.ts'
import type { BackupSummary } from '../../store/backup-summary.ts'
import { formatTime } from '../../ui/format.ts'
import { nameOfSummary } from '../../workflows/steps/running-containers.ts'
import type { GlobalOptions } from '../command.ts'
import { CommandResources } from '../command-resources.ts'
import type { WordKind } from './word-kinds.ts'

export type Candidate = { readonly word: string; readonly describe?: string }

/** Somebody waits for it with a finger on the key. */
const longestMs = 2_000

/** `given` are the arguments before: containers of a backup that is named are those in it. What does not answer at once has no words. */
export async function findWords(kind: WordKind | undefined, given: readonly string[], globals: GlobalOptions, env: NodeJS.ProcessEnv): Promise<Candidate[]> {
  if (kind === undefined) return []
  const resources = new CommandResources(globals, AbortSignal.timeout(longestMs))
  const asked = await Promise.allSettled(kind.split(' or ').map(each => wordsOf(each, given, resources, globals, env)))
  await resources.close()
  return asked.flatMap(each => (each.status === 'fulfilled' ? each.value : []))
}

async function wordsOf(kind: string, given: readonly string[], resources: CommandResources, globals: GlobalOptions, env: NodeJS.ProcessEnv): Promise<Candidate[]> {
  if (kind === 'context') return (await listContexts(env)).map(word => ({ word, describe: 'docker context' }))
  if (kind === 'backup') return [{ word: 'latest', describe: 'the newest' }, ...(await backupsOf(resources, globals)).map(({ id, created, containers }) => ({ word: id, describe: `${containers.join(', ') || 'data or images alone'}, ${formatTime(created)}` }))]
  if (kind === 'stored container') {
    const backups = await backupsOf(resources, globals)
    const [backup] = given
    const named = backups.filter(({ id }) => backup !== undefined && id.startsWith(backup))
    return [...new Set((named.length === 0 ? backups : named).flatMap(({ containers }) => containers))].filter(name => !given.includes(name)).sort().map(word => ({ word }))
  }
  const engine = await nearEngine(resources, globals, env)
  if (engine === undefined) return []
  if (kind === 'volume') return (await engine.volumes.list()).map(({ Name }) => ({ word: Name, describe: 'volume' }))
  return (await engine.containers.list()).map(each => ({ word: nameOfSummary(each), describe: `${each.Image}, ${each.State}` })).filter(({ word }) => !given.includes(word))
}

/** Newest first. Of a registry none: listing takes too long. */
async function backupsOf(resources: CommandResources, { repo }: GlobalOptions): Promise<BackupSummary[]> {
  if (repo.startsWith('oci://')) return []
  return (await listBackups(await resources.openRepository({ create: false }))).toReversed()
}

/** None over ssh, which may take long, and ask for a password. */
async function nearEngine(resources: CommandResources, { host }: GlobalOptions, env: NodeJS.ProcessEnv): Promise<Engine | undefined> {
  const { endpoint } = await resolveEndpoint(host, env)
  return endpoint.kind === 'ssh' ? undefined : await resources.connect()
}
