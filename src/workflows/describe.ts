import type { Engine } from '../engine/engine.ts'
import { nameOf, type ContainerRecord } from '../engine/spec/spec-record.ts'
import { recordContainer } from '../engine/spec/record-container.ts'
import { composeForm } from '../engine/forms/compose-form.ts'
import { runForms, type Form } from '../engine/forms/run-form.ts'
import { secretNames, toSubject, splitOnce } from '../engine/forms/subject.ts'
import { DrayError } from '../errors/dray-error.ts'
import { didYouMean } from '../errors/similar-name.ts'
import { readBackup, readContainerSpec } from '../store/backup-graph.ts'
import type { Repository } from '../store/repository.ts'
import { parseContainerSpec } from './container-spec.ts'
import { chooseBackup } from './steps/choose-backup.ts'
import { chooseContainers } from './steps/choose-containers.ts'
import { inOrder } from './steps/choose-together.ts'

export type DescribedAs = 'run' | 'compose' | 'json'

export type Description = Form & {
  /** Names of environment variables that look like secrets: their values are in the text unless they were to be left out. */
  readonly secrets: readonly string[]
}

/** Containers as they are on an engine, each after those it needs. */
export async function recordLiving(engine: Engine, names: readonly string[], projects: readonly string[], signal: AbortSignal): Promise<ContainerRecord[]> {
  const records = []
  const { chosen, failed: [missing] } = await chooseContainers(engine, { names, projects, labels: [], all: false }, signal, { heedsLabel: false })
  if (missing !== undefined) throw missing.error
  for (const { Id } of chosen) records.push({ spec: await recordContainer(engine, Id, { signal }) })
  return inOrder(records).map(({ spec }) => spec)
}

/** Containers as a backup holds them: all of it, or those that are named. */
export async function recordStored(repository: Repository, wanted: string, names: readonly string[], warn: (text: string) => void): Promise<ContainerRecord[]> {
  const backup = await chooseBackup(repository, wanted, wanted === 'latest' ? names[0] : undefined, warn)
  const { containers } = await readBackup(repository.blobs, backup.descriptor)
  if (containers.length === 0) throw new DrayError('not-found', `backup "${backup.id}" holds images alone, no container`, { hints: [`dray show ${backup.id}`] })
  const there = containers.map(({ name }) => name)
  for (const name of names) if (!there.includes(name)) throw new DrayError('not-found', `backup "${backup.id}" holds no container "${name}"`, { hints: [...didYouMean(name, there), `it holds: ${there.join(', ')}`] })
  const specs = []
  for (const container of containers) if (names.length === 0 || names.includes(container.name)) specs.push({ spec: parseContainerSpec(await readContainerSpec(repository.blobs, container), backup.id) })
  return inOrder(specs).map(({ spec }) => spec)
}

export function describeRecords(records: readonly ContainerRecord[], as: DescribedAs, redact: boolean): Description {
  const subjects = records.map(record => toSubject(record, { redact }))
  const secrets = [...new Set(subjects.flatMap(({ own }) => secretNames(own)))]
  if (as === 'json') return { text: specJson(redact ? records.map(redacted) : records), gaps: [], secrets }
  return { ...(as === 'run' ? runForms(subjects) : composeForm(subjects)), secrets }
}

/** One spec as an object, several as a list. */
function specJson(records: readonly ContainerRecord[]): string {
  return `${JSON.stringify(records.length === 1 ? records[0] : records, undefined, 2)}\n`
}

function redacted(record: ContainerRecord): ContainerRecord {
  const { inspect } = record
  const names = new Set(secretNames({ Env: inspect.Config.Env }))
  const env = inspect.Config.Env?.map(line => (names.has(splitOnce(line)[0]) ? `${splitOnce(line)[0]}=***` : line)) ?? null
  const config: ContainerRecord['inspect']['Config'] = Object.assign({}, inspect.Config, { Env: env })
  return { ...record, inspect: { ...inspect, Config: config } }
}

export function namesOf(records: readonly ContainerRecord[]): string[] {
  return records.map(({ inspect }) => nameOf(inspect))
}
