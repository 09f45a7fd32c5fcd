import { quoteForShell } from '../../engine/shell-quote.ts'
import type { RestoreReport } from '../../workflows/restore.ts'

/** What to look at, and how to take it back. `docker` and `dray`: with what leads both to the target and the repository. */
export function aftermathLines(reports: readonly RestoreReport[], { docker, dray }: { readonly docker: string; readonly dray: string }): string[] {
  const names = reports.map(({ plan }) => quoteForShell(plan.name))
  const made = [...new Set(reports.flatMap(({ plan }) => plan.mounts.flatMap(({ place, action }) => (place.kind === 'volume' && action === 'make' ? [quoteForShell(place.name)] : []))))]
  const aside = [...new Set(reports.flatMap(({ setAside }) => setAside?.backups ?? []))]
  const run = reports[0]?.undo
  return [
    ...names.map(name => `check:   ${docker} ps -a --filter name=${name}; ${docker} logs --tail 20 ${name}`),
    ...(run !== undefined ? [`undo:    ${dray} undo ${run}   # what was there before`] : aside.length === 0
      ? [`undo:    ${docker} rm -f -v ${names.join(' ')}${made.length === 0 ? '' : ` && ${docker} volume rm ${made.join(' ')}`}`]
      : aside.map(id => `undo:    ${dray} restore ${id} --replace   # what was there before`)),
  ]
}
