/** The data of a mount as the layer of an image, and back. */
import { makeTarHeader } from '../../archive/make-tar-header.ts'
import { renameMembers } from '../../archive/rename-members.ts'
import type { TarEntry } from '../../archive/tar-entry.ts'
import { blockBytes } from '../../archive/tar-header.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { tocPathOf } from '../../store/toc-entry.ts'

export type LayerFacts = {
  entries: number
  /** Of files, holes included. */
  dataBytes: number
  /** Of holes, which an image layer has not. */
  holeBytes: number
  /** Names that mean something else in an image: the first of them, and how many there are. */
  leftOut: string[]
  leftOutCount: number
  /** Before 1970. */
  oldTimes: number
}

export function noFacts(): LayerFacts {
  return { entries: 0, dataBytes: 0, holeBytes: 0, leftOut: [], leftOutCount: 0, oldTimes: 0 }
}

const mostNamed = 20

/** A tar of "./a" as one of "path/a", with the folders that lead there. What is found out on the way is told to `facts`. */
export async function* toLayer(tar: AsyncIterable<Buffer>, path: string, facts: LayerFacts): AsyncGenerator<Buffer> {
  const folders = path.slice(1).split('/')
  const root = Buffer.from(folders.join('/'))
  for (let length = 1; length < folders.length; length++) yield makeTarHeader({ name: Buffer.from(`${folders.slice(0, length).join('/')}/`), type: '5', size: 0, mode: 0o755, uid: 0, gid: 0, mtime: '0.000000000' })
  yield* renameMembers(tar, {
    rename: name => (isWhiteout(name) ? undefined : Buffer.concat([root, name.subarray(1)])),
    onEntry: entry => addTo(facts, entry),
    onLeftOut: ({ name }) => {
      if (facts.leftOutCount++ < mostNamed) facts.leftOut.push(tocPathOf(name).toString())
    },
  })
  yield Buffer.alloc(2 * blockBytes)
}

/** The way back: what lies below `path` as "./a". Throws `not-found` where the layer has nothing there. */
export async function* fromLayer(layer: AsyncIterable<Buffer>, path: string, onEntry: (entry: TarEntry, name: Buffer) => void): AsyncGenerator<Buffer> {
  const root = path.slice(1)
  const seen = { root: false }
  yield* renameMembers(layer, {
    rename: name => {
      const plain = tocPathOf(name).toString('latin1').replace(/^(?:\.?\/)+/, '')
      if (plain === root) return Buffer.from('./')
      return plain.startsWith(`${root}/`) ? Buffer.from(`./${plain.slice(root.length + 1)}`, 'latin1') : undefined
    },
    onEntry: (entry, name) => {
      seen.root ||= name.toString() === './'
      onEntry(entry, name)
    },
  })
  if (!seen.root) throw new DrayError('not-found', `the image has no folder "${path}"`, { hints: ['name the folder that its data lies in: --path'] })
  yield Buffer.alloc(2 * blockBytes)
}

/** Any part of the name: what lies in a folder that is left out has no place either. */
function isWhiteout(name: Buffer): boolean {
  return /(?:^|\/)\.wh\./.test(name.toString('latin1'))
}

function addTo(facts: LayerFacts, { type, realSize, size, sparse, mtime }: TarEntry): void {
  facts.entries++
  if (type === '0' || type === '7') facts.dataBytes += realSize
  if (sparse) facts.holeBytes += realSize - size
  if (mtime.startsWith('-')) facts.oldTimes++
}
