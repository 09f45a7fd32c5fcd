import { ancestorsOf, opaqueFolderOf, toLayerPath, whiteoutOf, type LayerPath } from './layer-cover.ts'
import type { LayerSource } from './layer-members.ts'
import { TarScanner } from './tar-scanner.ts'

/**
 * Those of a layer's whiteouts and opaque markers that hide something of the layers `below` it, which are given from the bottom.
 * The others must not be in it: overlayfs shows the name of a whiteout in a directory that has nothing below. Reads from the top
 * and no further than it has to; memory grows with the number of marks. Throws `damaged` unless each tar that it reads is whole.
 */
export async function marksThatHide(marks: readonly LayerPath[], below: readonly LayerSource[]): Promise<LayerPath[]> {
  const opaque = new Set(marks.map(opaqueFolderOf))
  const open = new Map(marks.filter(mark => !ancestorsOf(placeOf(mark)).some(folder => opaque.has(folder))).map(mark => [mark, placeOf(mark)]))
  const hiding = new Set<LayerPath>()
  for (const layer of [...below].reverse()) {
    if (open.size === 0) break
    const facts = await readFacts(layer, new Set([...open.values()].flatMap(place => [place, ...ancestorsOf(place)])))
    for (const [mark, place] of open) {
      const isOpaque = opaqueFolderOf(mark) !== undefined
      if ((isOpaque ? facts.filled : facts.present).has(place)) hiding.add(mark)
      else if (!facts.hides(place) && !(isOpaque && (facts.opaque.has(place) || facts.others.has(place)))) continue
      open.delete(mark)
    }
  }
  return marks.filter(mark => hiding.has(mark))
}

/** What a layer has and hides at the places that are asked for. */
class LayerFacts {
  /** Entries, and directories that have any. */
  readonly present = new Set<LayerPath>()
  readonly filled = new Set<LayerPath>()
  /** What is there and no directory. */
  readonly others = new Set<LayerPath>()
  readonly removed = new Set<LayerPath>()
  readonly opaque = new Set<LayerPath>()

  /** Whether what lower layers have at this place is hidden by something other than an entry there. */
  hides(place: LayerPath): boolean {
    return this.removed.has(place) || ancestorsOf(place).some(folder => this.removed.has(folder) || this.opaque.has(folder) || this.others.has(folder))
  }
}

async function readFacts(open: LayerSource, places: ReadonlySet<LayerPath>): Promise<LayerFacts> {
  const facts = new LayerFacts()
  const note = (set: Set<LayerPath>, path: LayerPath): void => {
    if (places.has(path)) set.add(path)
  }
  const scanner = new TarScanner({
    onEntry: ({ name, type }) => {
      const path = toLayerPath(name)
      const [emptied, removed] = [opaqueFolderOf(path), whiteoutOf(path)]
      if (emptied !== undefined) return note(facts.opaque, emptied)
      if (removed !== undefined) return note(facts.removed, removed)
      note(facts.present, path)
      if (type !== '5') note(facts.others, path)
      for (const folder of ancestorsOf(path)) {
        note(facts.present, folder)
        note(facts.filled, folder)
      }
    },
  })
  for await (const bytes of open()) scanner.scan(bytes)
  scanner.end()
  return facts
}

function placeOf(mark: LayerPath): LayerPath {
  return opaqueFolderOf(mark) ?? whiteoutOf(mark) ?? mark
}
