/** What a person wants to know before choosing: read from the repository, and nothing of it is needed. */
import { showName } from '../../archive/byte-names.ts'
import { readChecks } from '../../store/check-log.ts'
import type { Repository } from '../../store/repository.ts'
import { isLocal } from '../../store/repository.ts'
import { childrenOf } from '../../store/toc-search.ts'
import { formatAge, formatCount } from '../../ui/format.ts'
import type { Browsed } from '../../ui/wizard/ask-files.ts'
import type { Point } from '../../ui/wizard/ask-point.ts'
import { diffMount, diffSpecs, pairMounts } from '../../workflows/look/diff-backups.ts'
import { findPlace, pathOfTyped, readLooked, type LookedBackup, type Place } from '../../workflows/look/find-place.ts'

/** Nobody waits longer for what they did not ask for. */
const longestMs = 1500
const mostDifferences = 20_000
const waysOfRest: Readonly<Record<string, string>> = { pause: 'paused', stop: 'stopped', none: 'read while it ran' }

/** Points with what changed since the one before, how it rested, and when it was checked; the newest first, as many as there is time for. */
export async function describePoints(repository: Repository, points: readonly Point[], container: string | undefined): Promise<Point[]> {
  const checksOf = await readChecks(repository)
  const until = performance.now() + longestMs
  const read = new Map<string, Promise<LookedBackup>>()
  const look = (point: Point): Promise<LookedBackup> => {
    const known = read.get(point.id) ?? readLooked(repository, point, container)
    read.set(point.id, known)
    return known
  }
  const described: Point[] = []
  for (const [at, point] of points.entries()) {
    const { verified, drilled } = checksOf(point)
    const since = (time: string | undefined, did: string): string => (time === undefined ? `not ${did}` : `${did} ${formatAge(Date.now() - Date.parse(time))} ago`)
    const known = isLocal(repository) && performance.now() < until ? await changesOf(repository, look, point, points[at + 1], until).catch(() => []) : []
    described.push({ ...point, about: [...known, since(verified, 'verified'), since(drilled, 'drilled')].join(' · ') })
  }
  return described
}

async function changesOf(repository: Repository, look: (point: Point) => Promise<LookedBackup>, point: Point, older: Point | undefined, until: number): Promise<string[]> {
  const after = await look(point)
  const rests = [...new Set(after.specs.map(({ freeze }) => waysOfRest[freeze.way] ?? freeze.way))].join(', ')
  if (older === undefined) return ['the first one', rests]
  const before = await look(older)
  const counts = { added: 0, changed: 0, removed: 0 }
  let isMore = false
  for (const pair of pairMounts(before, after)) {
    if ('only' in pair) continue
    for await (const { change } of diffMount(repository, pair.before, pair.after)) {
      counts[change]++
      isMore = counts.added + counts.changed + counts.removed >= mostDifferences || performance.now() > until
      if (isMore) break
    }
  }
  const settings = diffSpecs(before, after).reduce((sum, spec) => sum + ('only' in spec ? 1 : spec.differences.length), 0)
  const files = Object.entries(counts).filter(([, count]) => count > 0).map(([change, count]) => `${count.toLocaleString('en-US')} ${change}`)
  return [`since the one before: ${[...(files.length === 0 ? ['no file'] : [`${files.join(', ')}${isMore ? ' at least' : ''}`]), ...(settings === 0 ? [] : [formatCount(settings, 'setting')])].join(', ')}`, rests]
}

/** The folders of one mount, each read once. */
export async function browseMount(repository: Repository, looked: LookedBackup, mount: string): Promise<(path: string) => Promise<readonly Browsed[]>> {
  const place = await findPlace(repository, looked, mount)
  const known = new Map<string, Promise<readonly Browsed[]>>()
  return path => {
    const found = known.get(path) ?? listFolder(place, path)
    known.set(path, found)
    return found
  }
}

async function listFolder({ source, content: { toc } }: Place, typed: string): Promise<readonly Browsed[]> {
  const folder = pathOfTyped(typed)
  const found: Browsed[] = []
  for await (const batch of childrenOf(source, toc, folder)) {
    for (const { path, type, size } of batch) found.push({ path: showName(path.subarray(2)), name: showName(path.subarray(folder.length + 1)), isFolder: type === 'd', bytes: size })
  }
  return found.sort((a, b) => (a.isFolder === b.isFolder ? (a.name < b.name ? -1 : 1) : a.isFolder ? -1 : 1))
}
