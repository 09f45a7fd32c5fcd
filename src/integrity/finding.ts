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

export type FindingDetails = Omit<Finding, 'code' | 'severity' | 'views'> & { readonly view?: View }

const mostFindings = 1000

/** Findings in the order in which they were made, each once, with all views that it was made for. After a thousand only their number is kept. */
export class Findings {
  readonly list: Finding[] = []
  readonly #seen = new Map<string, number>()
  #counts: Record<Severity, number> = { error: 0, warning: 0, note: 0 }

  add(code: FindingCode, { view, ...details }: FindingDetails = {}): void {
    const { severity } = findingMeanings[code]
    const key = JSON.stringify([code, details])
    const at = this.#seen.get(key)
    const before = at === undefined ? undefined : this.list[at]
    if (at !== undefined && before !== undefined) {
      if (view !== undefined && before.views?.includes(view) === false) this.list[at] = { ...before, views: [...before.views, view] }
      return
    }
    this.#counts[severity]++
    if (this.list.length >= mostFindings) return
    this.#seen.set(key, this.list.length)
    this.list.push({ code, severity, ...details, ...(view === undefined ? {} : { views: [view] }) })
  }

  count(severity: Severity): number {
    return this.#counts[severity]
  }

  has(...codes: readonly FindingCode[]): boolean {
    return this.list.some(({ code }) => codes.includes(code))
  }
}
