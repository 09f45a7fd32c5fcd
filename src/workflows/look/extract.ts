import { showName } from '../../archive/byte-names.ts'
import { tellBytes } from '../../archive/tell-bytes.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { extractInto, findInTheWay, type Expected } from '../../mounts/extract-into.ts'
import type { MountTools } from '../../mounts/mount-tools.ts'
import { whileTransferring, type Reporter } from '../reporter.ts'
import type { LostEntry } from '../steps/salvage-content.ts'
import { checkNames, type Selection } from './selection.ts'

export type ExtractJob = {
  readonly selections: readonly Selection[]
  /** In the folder that is extracted into. */
  readonly tools: MountTools
  /** tar's own arguments. */
  readonly extract: readonly string[]
  /** What is there already is replaced; nothing is ever removed. */
  readonly force: boolean
  readonly isNew: boolean
  readonly reporter: Reporter
  readonly signal: AbortSignal
}

export type ExtractReport = { readonly entries: number; readonly bytes: number; /** Attributes that could not be kept. */ readonly problems: readonly string[]; readonly lost: readonly LostEntry[] }

const mostNamed = 20

/** Puts what is selected into a folder. `conflict`, with nothing written, when something is in the way. */
export async function extractAll({ selections, tools, extract, force, isNew, reporter, signal }: ExtractJob): Promise<ExtractReport> {
  checkNames(selections)
  if (!isNew) await requireFree(selections, tools, force, signal)
  const problems: string[] = []
  const lost: LostEntry[] = []
  for (const selection of selections) {
    const { place, tops, bytes } = selection
    await whileTransferring(reporter, place.mount.described.label, async transfer => {
      const tar = tellBytes(selection.tar(entry => lost.push(entry)), bytes => transfer.add(bytes))
      problems.push(...(await extractInto(tools, { tar, extract, tops, force, isNew }, signal)))
    }, bytes)
  }
  return { ...sumOf(selections), problems, lost }
}

export function sumOf(selections: readonly Selection[]): { readonly entries: number; readonly bytes: number } {
  return { entries: selections.reduce((sum, { entries }) => sum + entries, 0), bytes: selections.reduce((sum, { bytes }) => sum + bytes, 0) }
}

async function requireFree(selections: readonly Selection[], tools: MountTools, force: boolean, signal: AbortSignal): Promise<void> {
  const inTheWay: Buffer[] = []
  for (const selection of selections) inTheWay.push(...(await findInTheWay(tools, () => expectedOf(selection), { force, most: mostNamed + 1 }, signal)))
  if (inTheWay.length === 0) return
  const named = inTheWay.slice(0, mostNamed).map(path => `"${showName(path.subarray(2))}"`)
  const what = force ? 'a folder is where a file is to be, or the other way round' : 'these are there already'
  throw new DrayError('conflict', `nothing was written into ${tools.where}: ${what}`, { list: inTheWay.length > mostNamed ? [...named, '…'] : named, hints: [force ? 'move them away' : 'replace them with --force', 'extract into another folder'] })
}

const batchEntries = 1000

async function* expectedOf(selection: Selection): AsyncGenerator<readonly Expected[]> {
  let batch: Expected[] = []
  for await (const { path, type } of selection.selected()) {
    if (path.length > 1) batch.push({ path: selection.shortened(path), isFolder: type === 'd' })
    if (batch.length < batchEntries) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
