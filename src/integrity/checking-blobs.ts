import { DrayError } from '../errors/dray-error.ts'
import { errnoOf } from '../errors/system-error.ts'
import type { Blobs } from '../store/blobs.ts'
import type { BlobProblem, ReadingState } from '../store/check-blob.ts'
import type { Digest } from '../store/oci.ts'
import { BlobTable, type BlobKind, type TableEntry } from './blob-table.ts'
import type { FindingCode, Findings } from './finding.ts'

export type SizedBlob = { readonly digest: Digest; readonly size: number }

const codes: Record<BlobProblem['problem'], FindingCode> = { missing: 'blob-missing', 'not a file': 'blob-not-a-file', size: 'blob-size', content: 'blob-differs', unreadable: 'blob-unreadable' }

/** What is known of the blobs of a repository while it is checked, and what is done with bad ones. */
export class CheckingBlobs {
  readonly table = new BlobTable()
  readonly blobs: Blobs
  readonly findings: Findings
  readonly movedAside: Digest[] = []
  /** Why bad blobs could not be moved aside. */
  notMoved: string | undefined
  readonly #repairs: boolean

  /** `repairs`: bad blobs are moved aside, and sound ones that were moved aside before are put back. */
  constructor(blobs: Blobs, findings: Findings, { repairs }: { readonly repairs: boolean }) {
    this.blobs = blobs
    this.findings = findings
    this.#repairs = repairs
  }

  /** Knows the blob from now on. Two references that disagree about its size are a finding. */
  refer(blob: SizedBlob, kind: BlobKind, by: string): TableEntry | undefined {
    const before = this.table.add(blob, kind)
    if (before !== undefined && before.size !== blob.size) this.findings.add('document-broken', { member: by, expected: `${before.size} bytes of blob "${blob.digest}"`, found: `${blob.size}` })
    return before
  }

  /** Reads the blob, or only looks whether it is there with its size. False, with a finding, when it is bad; each is judged once. */
  async isSound(blob: SizedBlob, how: 'read' | 'look', state?: ReadingState): Promise<boolean> {
    const known = this.table.get(blob.digest)?.state
    if (known !== undefined && known !== 'unchecked') return known === 'sound'
    const look = async (): Promise<BlobProblem | undefined> => (how === 'look' ? await this.blobs.look(blob) : await this.blobs.check(blob, state))
    const problem = await look()
    if (problem === undefined) {
      if (how === 'read' && state?.isStopped !== true) this.table.mark(blob.digest, 'sound')
      return true
    }
    if (problem.problem === 'missing') return await this.#missing(blob)
    if ((await look()) === undefined) {
      this.findings.add('blob-unsteady', { member: blob.digest, found: describe(problem) })
      return true
    }
    await this.condemn(blob.digest, codes[problem.problem], expectedOf(problem, blob), problem.found)
    return false
  }

  /** For a blob that is bad in another way than its digest tells. */
  async condemn(digest: Digest, code: FindingCode, expected: string | undefined, found: string | undefined, { aside = true } = {}): Promise<void> {
    this.findings.add(code, { member: digest, ...(expected === undefined ? {} : { expected }), ...(found === undefined ? {} : { found }) })
    this.table.mark(digest, 'bad')
    if (!this.#repairs || !aside || this.blobs.quarantine === undefined) return
    try {
      await this.blobs.quarantine(digest)
      this.movedAside.push(digest)
    } catch (thrown) {
      if (!(thrown instanceof DrayError) || !['EROFS', 'EACCES', 'EPERM'].includes(errnoOf(thrown.cause) ?? '')) throw thrown
      this.notMoved = thrown.message
    }
  }

  async #missing(blob: SizedBlob): Promise<boolean> {
    if (this.#repairs && (await this.#putBack(blob))) {
      this.findings.add('blob-put-back', { member: blob.digest })
      this.table.mark(blob.digest, 'sound')
      return true
    }
    await this.condemn(blob.digest, 'blob-missing', undefined, undefined, { aside: false })
    return false
  }

  async #putBack(blob: SizedBlob): Promise<boolean> {
    try {
      return (await this.blobs.putBack?.(blob)) === true
    } catch (thrown) {
      if (thrown instanceof DrayError && thrown.code === 'unauthorized') return false
      throw thrown
    }
  }
}

function expectedOf({ problem }: BlobProblem, { digest, size }: SizedBlob): string | undefined {
  return problem === 'size' ? `${size} bytes` : problem === 'content' ? digest : undefined
}

function describe({ problem, found }: BlobProblem): string {
  return found === undefined ? problem : `${problem}: ${found}`
}
