import type { Reader, Rounds } from './contestants.ts'
import type { Measured } from './timed-process.ts'

export type DrayResult = Rounds & { readonly node: string; readonly reader: Reader }
export type BenchResult = { readonly restic: Rounds; readonly tarGzip: Measured & { readonly bytes: number }; readonly dray: readonly DrayResult[] }

export type Verdict = { readonly requirement: string; readonly node: string; readonly measured: number; readonly limit: number; readonly isMet: boolean }

const mostPeakBytes = 300e6

/** The promises of speed (DESIGN "Fast"), for each version of node; those about time hold for the host reader. */
export function judge({ restic, tarGzip, dray }: BenchResult): Verdict[] {
  return dray.filter(({ reader }) => reader === 'host').flatMap(each => {
    const atMost = (requirement: string, measured: number, limit: number): Verdict => ({ requirement, node: each.node, measured, limit, isMet: measured <= limit })
    const times = tarGzip.seconds / each.first.seconds
    const peaks = dray.filter(({ node }) => node === each.node).flatMap(({ first, second, restore }) => [first, second, restore].map(({ peakBytes }) => peakBytes))
    return [
      atMost('first backup, of restic\'s time', each.first.seconds / restic.first.seconds, 0.8),
      atMost('repository, of restic\'s size', each.repositoryBytes / restic.repositoryBytes, 1.05),
      atMost('unchanged second backup, of restic\'s time', each.second.seconds / restic.second.seconds, 1.2),
      atMost('restore, of restic\'s time', each.restore.seconds / restic.restore.seconds, 0.8),
      { requirement: 'first backup, times as fast as docker run tar | gzip', node: each.node, measured: times, limit: 4, isMet: times >= 4 },
      atMost('resident memory of every run, MB', Math.max(...peaks) / 1e6, mostPeakBytes / 1e6),
    ]
  })
}

/** Of several rounds, for each thing the one with the median time. */
export function middleOf(rounds: readonly BenchResult[]): BenchResult {
  const [any] = rounds
  if (any === undefined) throw new RangeError('nothing was measured')
  const dray = any.dray.map(({ node, reader }, at) => ({ node, reader, ...middleRounds(rounds.map(round => round.dray[at]!)) }))
  return { restic: middleRounds(rounds.map(({ restic }) => restic)), tarGzip: middle(rounds.map(({ tarGzip }) => tarGzip)), dray }
}

function middleRounds(rounds: readonly Rounds[]): Rounds {
  return {
    first: middle(rounds.map(({ first }) => first)),
    second: middle(rounds.map(({ second }) => second)),
    restore: middle(rounds.map(({ restore }) => restore)),
    repositoryBytes: Math.max(...rounds.map(({ repositoryBytes }) => repositoryBytes)),
  }
}

/** The highest peak is kept, whichever run had it. */
function middle<M extends Measured>(runs: readonly M[]): M {
  const sorted = [...runs].sort((a, b) => a.seconds - b.seconds)
  return { ...sorted[(sorted.length - 1) >> 1]!, peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)) }
}
