import { DrayError } from '../errors/dray-error.ts'

/** What an obstacle is about, where an option of `restore` is a way out: recorded names, and what they are on the target. */
export type Taken =
  | { readonly kind: 'name'; readonly name: string; readonly isOnly: boolean }
  /** `free`: the next port that nothing known has. */
  | { readonly kind: 'port'; readonly port: string; readonly free: string }
  | { readonly kind: 'volume'; readonly source: string; readonly name: string; readonly mayKeep: boolean }
  /** `mayMake`: it is missing, and an empty folder would do. */
  | { readonly kind: 'path'; readonly source: string; readonly path: string; readonly mayKeep: boolean; readonly mayMake?: boolean }
  /** `other`: a network of the target that would do. */
  | { readonly kind: 'network'; readonly name: string; readonly other?: string }

export type Obstacle = { readonly text: string; readonly hint: string; readonly taken?: Taken }

/** `conflict`, with all that stands in the way, for who can ask about each. */
export class ObstructedError extends DrayError {
  readonly obstacles: readonly Obstacle[]

  constructor(target: string, obstacles: readonly Obstacle[]) {
    super('conflict', `nothing was changed on "${target}"`, { list: [...new Set(obstacles.map(({ text }) => text))], hints: [...new Set(obstacles.map(({ hint }) => hint))] })
    this.obstacles = obstacles
  }
}

/** What stands in the way on the target, each with what to do about it. */
export class Obstacles {
  private readonly found: Obstacle[] = []

  get all(): readonly Obstacle[] {
    return this.found
  }

  add(text: string, hint: string, taken?: Taken): void {
    this.found.push({ text, hint, ...(taken === undefined ? {} : { taken }) })
  }

  /** Throws `conflict`, naming everything at once. */
  stop(target: string): void {
    if (this.found.length > 0) throw new ObstructedError(target, this.found)
  }
}
