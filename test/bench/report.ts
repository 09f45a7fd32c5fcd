import { renderTable } from '../../src/ui/table.ts'
import type { BenchResult, Verdict } from './verdicts.ts'
import type { Measured } from './timed-process.ts'

type Row = { readonly what: string; readonly run: Measured; readonly than?: Measured; readonly bytes?: number; readonly thanBytes?: number }

export function tableOf({ restic, tarGzip, dray }: BenchResult): string {
  const size = restic.repositoryBytes
  const rows: Row[] = [
    { what: 'docker run tar | gzip', run: tarGzip, than: restic.first, bytes: tarGzip.bytes, thanBytes: size },
    { what: 'restic, first backup', run: restic.first, bytes: size },
    { what: 'restic, unchanged', run: restic.second },
    { what: 'restic, restore', run: restic.restore },
    ...dray.flatMap(({ node, reader, first, second, restore, repositoryBytes }) => [
      { what: `dray, first backup (${node}, ${reader})`, run: first, than: restic.first, bytes: repositoryBytes, thanBytes: size },
      { what: `dray, unchanged (${node}, ${reader})`, run: second, than: restic.second },
      { what: `dray, restore (${node}, ${reader})`, run: restore, than: restic.restore },
    ]),
  ]
  return renderTable([
    { title: 'what', value: row => row.what },
    { title: 'seconds', align: 'right', value: ({ run }) => run.seconds.toFixed(2) },
    { title: 'of restic', align: 'right', value: ({ run, than }) => (than === undefined ? '' : (run.seconds / than.seconds).toFixed(2)) },
    { title: 'CPU s', align: 'right', value: ({ run }) => run.cpuSeconds.toFixed(1) },
    { title: 'MB stored', align: 'right', value: ({ bytes }) => (bytes === undefined ? '' : (bytes / 1e6).toFixed(0)) },
    { title: 'of restic', align: 'right', value: ({ bytes, thanBytes }) => (bytes === undefined || thanBytes === undefined ? '' : (bytes / thanBytes).toFixed(2)) },
    { title: 'peak MB', align: 'right', value: ({ run }) => (run.peakBytes / 1e6).toFixed(0) },
  ], rows, 200)
}

export function verdictLines(verdicts: readonly Verdict[]): string {
  return verdicts.map(({ requirement, node, measured, limit, isMet }) => `${isMet ? 'met   ' : 'MISSED'}  ${node}  ${requirement}: ${measured.toFixed(limit < 10 ? 2 : 0)} (limit ${limit})`).join('\n')
}
