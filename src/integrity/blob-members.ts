import { compressions, type Compression } from '../archive/codec.ts'
import { noteOldGarbage } from '../archive/young-garbage.ts'
import { RecordTable } from '../store/record-table.ts'
import type { Digest } from '../store/oci.ts'
import type { DataProblem, MemberContent, PassedFile, PutAside } from './member.ts'

/** What a record is made of, and becomes: it lives long enough to be taken for old. */
const objectBytes = 1024
const folder = 'blobs/sha256/'
const canonical = /^blobs\/sha256\/[0-9a-f]{64}$/
const keyBytes = 32
const sizeBytes = 6
/** After the key: the size, the number of the words, what is known; then the size unpacked (or where a document was put), if it is another, and digests. */
const at = { size: 32, words: 38, state: 40, content: 41, plainBytes: 42, one: 48, other: 80 } as const
const states = { data: 0, 'too large': 1, 'put aside': 2, replaced: 3 } as const
const stateMask = 3
const digestDiffers = 4
const isTarBit = 8
const hasPlainBit = 16
const problemCodes: readonly DataProblem['code'][] = ['layer-damaged', 'layer-end', 'layer-expands', 'memory-excessive']
const mostWords = 4096
const otherWords = 'it is no whole tar'
/** Files that are not what their name says need no more than that. */
const mostWithBoth = 100_000
/** A million, as many as there may be, fit into 2 to the 20th slots. */
const mostLoad = 0.96

/**
 * The files of an archive that are called by their digest, which may be a million: of all but the documents in memory only what is
 * known is kept, in some 50 to 120 bytes each.
 */
export class BlobMembers {
  /** Those that are as they are unpacked; others, and with one or two digests besides that of the name. */
  readonly #asTheyAre = new RecordTable(at.plainBytes, { mostLoad })
  readonly #others = [new RecordTable(at.one), new RecordTable(at.other), new RecordTable(at.other + keyBytes)] as const
  readonly #tables = [this.#asTheyAre, ...this.#others] as const
  readonly #words: string[] = []
  readonly #numbers = new Map<string, number>()
  readonly #record = Buffer.alloc(at.other + keyBytes)
  #size = 0

  static isName(path: string): boolean {
    return path.length === folder.length + 2 * keyBytes && canonical.test(path)
  }

  get size(): number {
    return this.#size
  }

  /** False when it has to be kept as it is. The one that had the name before is replaced. */
  set(path: string, { size, digest, content }: PassedFile): boolean {
    if (content.kind === 'document' || !BlobMembers.isName(path)) return false
    this.delete(path)
    noteOldGarbage(objectBytes)
    const record = this.#record.fill(0)
    record.write(path.slice(folder.length), 'hex')
    record.writeUIntBE(size, at.size, sizeBytes)
    if (content.kind === 'put aside') record.writeUIntBE(content.position, at.plainBytes, sizeBytes)
    const isNamed = digest.endsWith(path.slice(folder.length))
    const plain = content.kind === 'data' ? content.plainDigest : undefined
    const [own, unpacked] = [isNamed ? undefined : digest, plain === digest || (!isNamed && this.#others[2].size >= mostWithBoth) ? undefined : plain]
    record[at.state] = states[content.kind] | (isNamed ? 0 : digestDiffers) | (content.kind === 'data' ? this.#writeContent(record, content, plain === digest || unpacked !== undefined) : 0)
    const digests = [own, unpacked].filter(each => each !== undefined)
    for (const [number, each] of digests.entries()) record.write(each.slice('sha256:'.length), at.one + number * keyBytes, 'hex')
    const isPlain = content.kind === 'data' ? content.plainBytes === size : content.kind === 'too large'
    const table = digests.length === 0 && isPlain ? this.#asTheyAre : this.#others[digests.length as 0 | 1 | 2]
    table.set(record)
    this.#size++
    return true
  }

  delete(path: string): void {
    const record = this.#find(path)
    if (record === undefined) return
    record[at.state] = states.replaced
    this.#size--
  }

  get(path: string): PassedFile | undefined {
    const record = this.#find(path)
    if (record === undefined) return undefined
    noteOldGarbage(objectBytes)
    const state = record[at.state] ?? 0
    const named: Digest = `sha256:${path.slice(folder.length)}`
    const isNamed = (state & digestDiffers) === 0
    const digest = isNamed ? named : hexAt(record, at.one)
    return { kind: 'file', name: path, size: record.readUIntBE(at.size, sizeBytes), digest, content: this.#contentOf(record, state, digest, isNamed ? at.one : at.other) }
  }

  *names(): Generator<string> {
    for (const table of this.#tables) {
      for (const record of table.values()) {
        noteOldGarbage(objectBytes)
        if (!isReplaced(record)) yield `${folder}${record.toString('hex', 0, keyBytes)}`
      }
    }
  }

  #find(path: string): Buffer | undefined {
    if (!BlobMembers.isName(path)) return undefined
    const key = Buffer.from(path.slice(folder.length), 'hex')
    for (const table of this.#tables) {
      const record = table.get(key)
      if (record !== undefined && !isReplaced(record)) return record
    }
    return undefined
  }

  /** What it adds to the state. */
  #writeContent(record: Buffer, { compression, plainBytes, isTar, problem }: Extract<MemberContent, { kind: 'data' }>, hasPlain: boolean): number {
    record.writeUIntBE(plainBytes, at.plainBytes, sizeBytes)
    record.writeUInt16BE(problem === undefined ? 0 : this.#numberOf(problem.words), at.words)
    record[at.content] = compressions.indexOf(compression) * 8 + (problem === undefined ? 0 : problemCodes.indexOf(problem.code) + 1)
    return (isTar ? isTarBit : 0) | (hasPlain ? hasPlainBit : 0)
  }

  #contentOf(record: Buffer, state: number, digest: Digest, plainAt: number): MemberContent | PutAside {
    if ((state & stateMask) === states['too large']) return { kind: 'too large' }
    if ((state & stateMask) === states['put aside']) return { kind: 'put aside', position: record.readUIntBE(at.plainBytes, sizeBytes) }
    const packed = record[at.content] ?? 0
    const code = problemCodes[(packed & 7) - 1]
    const compression: Compression = compressions[packed >> 3] ?? 'none'
    const plainDigest = (state & hasPlainBit) === 0 ? undefined : record.length > plainAt ? hexAt(record, plainAt) : digest
    const problem = code === undefined ? {} : { problem: { code, words: this.#words[record.readUInt16BE(at.words)] ?? otherWords } }
    return { kind: 'data', compression, plainDigest, plainBytes: record.readUIntBE(record.length > at.plainBytes ? at.plainBytes : at.size, sizeBytes), isTar: (state & isTarBit) !== 0, ...problem }
  }

  #numberOf(words: string): number {
    const known = this.#numbers.get(words)
    if (known !== undefined) return known
    if (this.#words.length >= mostWords) return mostWords
    this.#numbers.set(words, this.#words.length)
    return this.#words.push(words) - 1
  }
}

function isReplaced(record: Buffer): boolean {
  return ((record[at.state] ?? 0) & stateMask) === states.replaced
}

function hexAt(record: Buffer, start: number): Digest {
  return `sha256:${record.toString('hex', start, start + keyBytes)}`
}
