import type { PartReport } from '../../workflows/restore-only.ts'
import type { Point } from '../../ui/wizard/ask-point.ts'
import type { Part } from '../../ui/wizard/ask-extent.ts'
import type { FilesTarget } from '../../ui/wizard/ask-target.ts'
import type { Subject } from '../../ui/wizard/ask-subject.ts'
import type { RestoreLine } from './restore-line.ts'

/** What would happen to one container, or to its data alone. */
export type Planned = Pick<PartReport, 'stored'> & { readonly plan: NonNullable<PartReport['plan']> }

export type State = {
  readonly line: RestoreLine
  readonly subject?: Subject
  readonly point?: Point
  /** What the backup holds. */
  readonly parts?: readonly Part[]
  readonly plans: readonly Planned[]
  /** Single files are taken out of this. */
  readonly part?: Part
  readonly files?: readonly string[]
  readonly target?: FilesTarget
  /** It ends in a file. */
  readonly planOut?: string
  /** The last answer was no. */
  readonly isDeclined?: true
}

/** The state as it is after the first questions. */
export function known({ line, subject, point }: State): { readonly line: RestoreLine; readonly subject: Subject; readonly point: Point } {
  if (subject === undefined) throw new RangeError('nothing was chosen')
  return { line, subject, get point() {
    if (point === undefined) throw new RangeError('no backup was chosen')
    return point
  } }
}
