/** A path within a layer, one character for each byte, without slashes around it; the root is ''. */
export type LayerPath = string

const whiteoutPrefix = '.wh.'
const opaqueMarker = '.wh..wh..opq'

export function toLayerPath(name: Buffer): LayerPath {
  return name.toString('latin1').split('/').filter(part => part !== '' && part !== '.').join('/')
}

/** The path that a whiteout removes; undefined for any other. An opaque marker is none. */
export function whiteoutOf(path: LayerPath): LayerPath | undefined {
  const name = baseOf(path)
  if (!name.startsWith(whiteoutPrefix) || name.startsWith(`${whiteoutPrefix}${whiteoutPrefix}`)) return undefined
  return join(folderOf(path), name.slice(whiteoutPrefix.length))
}

/** The directory of which an opaque marker hides what lies below; undefined for any other path. */
export function opaqueFolderOf(path: LayerPath): LayerPath | undefined {
  return baseOf(path) === opaqueMarker ? folderOf(path) : undefined
}

export function opaqueMarkerOf(folder: LayerPath): LayerPath {
  return join(folder, opaqueMarker)
}

/** What the layers above hide of the one that is passing. Layers are taken from the top, each of them closed before the next. */
export class LayerCover {
  /** A removed path is something that is no directory. */
  readonly #kinds = new Map<LayerPath, 'directory' | 'other'>()
  readonly #opaque = new Set<LayerPath>()
  #passing: { readonly path: LayerPath; readonly isDirectory: boolean }[] = []

  get isEmpty(): boolean {
    return this.#kinds.size === 0 && this.#opaque.size === 0
  }

  /**
   * Whether an entry of the passing layer is kept. `opaque`: it is hidden by a directory that an upper layer made in its place,
   * and what it hid in turn has to stay hidden: that directory becomes opaque.
   */
  take(path: LayerPath, isDirectory: boolean): 'kept' | 'hidden' | 'opaque' {
    const place = whiteoutOf(path) ?? path
    if (this.#isBelowCover(place)) return 'hidden'
    this.#passing.push({ path, isDirectory })
    if (!this.hides(path)) return 'kept'
    const isReplaced = !isDirectory && !isOpaque(path) && this.#kinds.get(place) === 'directory'
    return isReplaced && !this.#opaque.has(place) ? 'opaque' : 'hidden'
  }

  hides(path: LayerPath): boolean {
    if (isOpaque(path)) return this.#isCovered(folderOf(path))
    const place = whiteoutOf(path) ?? path
    return this.#kinds.has(place) || this.#isBelowCover(place)
  }

  /** The layer has passed: it covers the next. */
  close(): void {
    for (const { path, isDirectory } of this.#passing) {
      const place = whiteoutOf(path) ?? path
      const above = this.#kinds.get(place)
      if (isOpaque(path)) this.#opaque.add(folderOf(path))
      else if (above === undefined) this.#kinds.set(place, isDirectory ? 'directory' : 'other')
      else if (above === 'directory' && !isDirectory) this.#opaque.add(place)
    }
    this.#passing = []
  }

  #isBelowCover(path: LayerPath): boolean {
    return path !== '' && this.#isCovered(folderOf(path))
  }

  /** Whether nothing of a lower layer shows in what is at this path. */
  #isCovered(folder: LayerPath): boolean {
    if (this.#kinds.get(folder) === 'other' || this.#opaque.has(folder)) return true
    return folder !== '' && this.#isCovered(folderOf(folder))
  }
}

function isOpaque(path: LayerPath): boolean {
  return opaqueFolderOf(path) !== undefined
}

/** The folders that a path lies in, from its own up to the root. */
export function ancestorsOf(path: LayerPath): LayerPath[] {
  const folders: LayerPath[] = []
  for (let at = path; at !== ''; ) folders.push((at = folderOf(at)))
  return folders
}

function folderOf(path: LayerPath): LayerPath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function baseOf(path: LayerPath): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function join(folder: LayerPath, name: string): LayerPath {
  return folder === '' ? name : `${folder}/${name}`
}
