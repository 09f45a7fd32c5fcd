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
  readonly view?: View
  readonly expected?: string
  readonly found?: string
}

export type FindingDetails = Omit<Finding, 'code' | 'severity'>

const mostFindings = 1000

/** Findings in the order in which they were made, each once. After a thousand only their number is kept. */
export class Findings {
  readonly list: Finding[] = []
  readonly #seen = new Set<string>()
  #counts: Record<Severity, number> = { error: 0, warning: 0, note: 0 }

  add(code: FindingCode, details: FindingDetails = {}): void {
    const { severity } = findingMeanings[code]
    const key = JSON.stringify([code, details])
    if (this.#seen.has(key)) return
    this.#counts[severity]++
    if (this.#seen.size >= mostFindings) return
    this.#seen.add(key)
    this.list.push({ code, severity, ...details })
  }

  count(severity: Severity): number {
    return this.#counts[severity]
  }

  has(...codes: readonly FindingCode[]): boolean {
    return this.list.some(({ code }) => codes.includes(code))
  }
}
