import { DigestSet } from '../store/digest-set.ts'
import { digestOf } from '../store/digest.ts'
import { findingCodes, type FindingMeaning, type Severity } from './finding-codes.ts'
import { repositoryFindingCodes } from './repository-finding-codes.ts'

/** Of archives and of repositories. */
export type FindingCode = keyof typeof findingCodes | keyof typeof repositoryFindingCodes

export const findingMeanings: Readonly<Record<FindingCode, FindingMeaning>> = { ...findingCodes, ...repositoryFindingCodes }

/** manifest.json, which classic engines read, and index.json, which the containerd store reads. */
export type View = 'manifest.json' | 'index.json'

export type Finding = {
  readonly code: FindingCode
  readonly severity: Severity
  /** The member or blob. */
  readonly member?: string
  /** The views that this concerns; none for what concerns the whole. */
  readonly views?: readonly View[]
  readonly expected?: string
  readonly found?: string
}

/** How many findings there are besides those that are listed, of each code that has more. */
export type MoreFindings = Readonly<Partial<Record<FindingCode, number>>>

export type FindingDetails = Omit<Finding, 'code' | 'severity' | 'views'> & { readonly view?: View }

/** Of one code, for each view. */
const mostListed = 1000

/**
 * Findings in the order in which they were made, each once, with all views that it was made for. Of each code the first thousand are
 * listed, and of the others their number alone is kept: no code, and no view, is crowded out by another.
 */
export class Findings {
  readonly list: Finding[] = []
  readonly #seen = new Map<string, number>()
  readonly #listed = new Map<string, number>()
  /** Of those that are not listed and may be made again, for another view. */
  readonly #seenMore = new DigestSet()
  readonly #more = new Map<FindingCode, number>()
  #counts: Record<Severity, number> = { error: 0, warning: 0, note: 0 }

  add(code: FindingCode, { view, ...details }: FindingDetails = {}): void {
    const { severity } = findingMeanings[code]
    const kind = `${code} ${view ?? ''}`
    const listed = this.#listed.get(kind) ?? 0
    if (view === undefined && listed >= mostListed) {
      this.addMore(code, 1)
      return
    }
    const key = JSON.stringify([code, details])
    const at = this.#seen.get(key)
    const before = at === undefined ? undefined : this.list[at]
    if (at !== undefined && before !== undefined) {
      if (view !== undefined && before.views?.includes(view) === false) {
        this.list[at] = { ...before, views: [...before.views, view] }
        this.#listed.set(kind, listed + 1)
      }
      return
    }
    if (listed >= mostListed) {
      if (this.#seenMore.add(digestOf(Buffer.from(key)))) this.addMore(code, 1)
      return
    }
    if (this.#seenMore.has(digestOf(Buffer.from(key)))) this.addMore(code, -1)
    this.#counts[severity]++
    this.#listed.set(kind, listed + 1)
    this.#seen.set(key, this.list.length)
    this.list.push({ code, severity, ...details, ...(view === undefined ? {} : { views: [view] }) })
  }

  /** So many more, which are not listed. */
  addMore(code: FindingCode, count: number): void {
    this.#counts[findingMeanings[code].severity] += count
    const all = (this.#more.get(code) ?? 0) + count
    if (all === 0) this.#more.delete(code)
    else this.#more.set(code, all)
  }

  /** How many there are of a code besides those in `list`. */
  get more(): MoreFindings {
    return Object.fromEntries(this.#more)
  }

  get report(): { readonly findings: readonly Finding[]; readonly more?: MoreFindings } {
    return { findings: this.list, ...(this.#more.size === 0 ? {} : { more: this.more }) }
  }

  count(severity: Severity): number {
    return this.#counts[severity]
  }

  has(...codes: readonly FindingCode[]): boolean {
    return this.list.some(({ code }) => codes.includes(code))
  }
}
