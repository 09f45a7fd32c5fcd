import type { Engine } from '../engine/engine.ts'
import { ImageStore } from '../store/image-store.ts'
import type { Repository } from '../store/repository.ts'
import { Slots } from '../store/slots.ts'

/** The images of a run whose backups are made beside each other: what one of them stores the others find, also before it is listed. */
export class SharedImages {
  readonly store: ImageStore
  readonly #turns = new Map<string, Slots>()

  constructor(repository: Repository) {
    this.store = new ImageStore(repository)
  }

  /** One after the other on each engine: two that want one image, or images with layers in common, would both have it sent. */
  async inTurn<T>({ facts: { id } }: Engine, work: () => Promise<T>): Promise<T> {
    const turns = this.#turns.get(id) ?? new Slots(1)
    this.#turns.set(id, turns)
    return await turns.run(work)
  }
}
