/** What, as of when, how much of it, where to. */
import type { Repository } from '../../store/repository.ts'
import { askExtent, type Part } from '../../ui/wizard/ask-extent.ts'
import { askPlace } from '../../ui/wizard/ask-place.ts'
import { askPoint, type Point } from '../../ui/wizard/ask-point.ts'
import { askSubject } from '../../ui/wizard/ask-subject.ts'
import { back } from '../../ui/wizard/questions.ts'
import { isHexName } from '../../workflows/mount-description.ts'
import { replacedTag } from '../../workflows/steps/choose-backup.ts'
import { readStored } from '../../workflows/steps/read-stored.ts'
import type { CommandContext } from '../command.ts'
import { describePoints } from './look-around.ts'
import type { RestoreLine } from './restore-line.ts'
import { backupsOf, subjectsOf } from './subjects.ts'
import type { Step } from './walk.ts'
import { known, type State } from './wizard-state.ts'

export function choosingWhat({ signal, width, globals }: CommandContext, repository: Repository, points: readonly Point[]): Step<State>[] {
  return [
    async state => {
      const subject = await askSubject(signal, subjectsOf(points.filter(({ tags }) => !tags.includes(replacedTag))))
      return subject === back ? back : { state: { ...state, subject }, asked: true }
    },
    async state => {
      const { subject, line } = known(state)
      const container = subject.kind === 'container' ? subject.name : undefined
      const own = await describePoints(repository, backupsOf(subject, points), container)
      const latest = own.find(({ lacks, hurt, tags }) => lacks.length === 0 && !hurt && !tags.includes(replacedTag))
      const point = await askPoint(signal, own, latest, width)
      return point === back ? back : { state: { ...state, point, line: { ...line, backup: point.id, container: container === undefined ? [] : [container] } }, asked: true }
    },
    async state => {
      const { line, point } = known(state)
      const parts = await partsOf(repository, point, line)
      const extent = await askExtent(signal, parts)
      if (extent === back) return back
      if ('files' in extent) return { state: { ...state, part: extent.files }, asked: true }
      const keep = 'keep' in extent ? extent.keep : parts.filter(part => !extent.data.includes(part)).map(({ name }) => name)
      return { state: { ...state, line: { ...line, keep: [...line.keep, ...keep], ...('data' in extent ? { only: 'data' as const } : {}) } }, asked: true }
    },
    async state => {
      const { line, subject } = known(state)
      if (state.part !== undefined || line.to !== undefined) return { state, asked: false }
      const engine = globals.host ?? 'this engine'
      const place = await askPlace(signal, { engine, name: subject.name, isOne: subject.kind === 'container' && line.only === undefined })
      return place === back ? back : { state: { ...state, line: { ...line, ...place } }, asked: true }
    },
  ]
}

/** Dumps are no place to restore to. */
async function partsOf(repository: Repository, point: Point, { container }: RestoreLine): Promise<Part[]> {
  const stored = await readStored(repository, point, container.length === 0 ? point.containers : container)
  const parts = stored.flatMap(({ mounts }) => mounts.map(({ described: { source, label, kind, dataBytes, destinations } }): Part => ({ name: isHexName(source) ? (destinations[0]?.path ?? source) : source, label, isVolume: kind === 'volume', bytes: dataBytes })))
  return [...new Map(parts.map(part => [part.name, part])).values()]
}
