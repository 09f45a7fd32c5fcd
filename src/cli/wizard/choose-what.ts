/** What, as of when, how much of it, where to. */
import { DrayError } from '../../errors/dray-error.ts'
import type { Repository } from '../../store/repository.ts'
import { askExtent, type Part } from '../../ui/wizard/ask-extent.ts'
import { askPlace } from '../../ui/wizard/ask-place.ts'
import { askPoint, type Point } from '../../ui/wizard/ask-point.ts'
import { askAboutDamage } from '../../ui/wizard/ask-remedy.ts'
import { askSubject } from '../../ui/wizard/ask-subject.ts'
import { back } from '../../ui/wizard/questions.ts'
import { isHexName } from '../../workflows/mount-description.ts'
import { replacedTag } from '../../workflows/steps/choose-backup.ts'
import { readDocumentsLeft, readStored } from '../../workflows/steps/read-stored.ts'
import type { CommandContext } from '../command.ts'
import { describePoints } from './look-around.ts'
import { withRemedy, type RestoreLine } from './restore-line.ts'
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
      const parts = partsOf(repository, point, line)
      const damage = await damageOf(parts)
      if (damage === undefined) return { state: { ...state, parts: await parts }, asked: false }
      const worse = line.skipDamaged ? damage : await damageOf(partsOf(repository, point, { ...line, skipDamaged: true }))
      const remedy = await askAboutDamage(signal, worse ?? damage, { question: 'This backup is damaged. What now?', isSomethingLeft: worse === undefined })
      return remedy === back ? back : { state: { ...state, line: withRemedy(line, remedy) }, asked: true, again: true }
    },
    async state => {
      const { line, parts = [] } = state
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

async function damageOf(reading: Promise<unknown>): Promise<DrayError | undefined> {
  return await reading.then(() => undefined, (thrown: unknown) => {
    if (!(thrown instanceof DrayError) || thrown.code !== 'damaged') throw thrown
    return thrown
  })
}

/** Dumps are no place to restore to. Throws `damaged` when something is missing, or with `skipDamaged` when nothing can be had. */
async function partsOf(repository: Repository, point: Point, { container, skipDamaged }: RestoreLine): Promise<Part[]> {
  const read = skipDamaged ? readDocumentsLeft : readStored
  const stored = await read(repository, point, container.length === 0 ? point.containers : container)
  const parts = stored.flatMap(({ mounts }) => mounts.map(({ described: { source, label, kind, dataBytes, destinations } }): Part => ({ name: isHexName(source) ? (destinations[0]?.path ?? source) : source, label, isVolume: kind === 'volume', bytes: dataBytes })))
  return [...new Map(parts.map(part => [part.name, part])).values()]
}
