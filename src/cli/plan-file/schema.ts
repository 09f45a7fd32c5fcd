/** What a file of `restore --plan` may say. docs/restore-plan.md is checked against this. */
import { z } from 'zod'
import { unpublished } from '../../engine/spec/remap-port.ts'

const text = z.string('expected a text').min(1, 'expected a text')
const yesOrNo = z.boolean('expected true or false')
const containerName = z.string('expected a text').regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/, 'the name of a container is of letters, digits, "_", "." and "-", two at least')
const volumeName = z.string('expected a text').regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/, 'the name of a volume is of letters, digits, "_", "." and "-", two at least')
const path = z.string('expected a path').regex(/^\/[^:]*$/, 'expected a path from the root, without ":"')
const portText = 'expected a port such as 8080, 127.0.0.1:8080 or "[::1]:8080", or a range of them'
const port = z.union([z.int(), z.string()], portText).transform(String).refine(value => isPort(value), portText)
const portOrNone = z.union([z.int(), z.string()], portText).transform(String).refine(value => value === unpublished || isPort(value), portText)

/** What happens to the data of one mount. */
export const dataActions = ['restore', 'replace', 'keep'] as const
const data = z.enum(dataActions, 'expected "restore", "replace" or "keep"').optional()

const container = z.strictObject({
  backup: z.union([z.int(), text], 'expected the id of a backup, or its beginning').transform(String),
  container: text,
  name: containerName.optional(),
  replace: yesOrNo.default(false),
  start: yesOrNo.default(true),
  ports: z.array(z.strictObject({ from: port, to: portOrNone }), 'expected a list').default([]),
  volumes: z.array(z.strictObject({ from: text, to: volumeName, data }), 'expected a list').default([]),
  binds: z.array(z.strictObject({ from: path, to: path, data }), 'expected a list').default([]),
  networks: z.array(z.strictObject({ from: text, to: text }), 'expected a list').default([]),
}).superRefine(({ ports, volumes, binds, networks }, context) => {
  for (const [key, maps] of Object.entries({ ports, volumes, binds, networks })) for (const at of repeated(maps.map(({ from }) => from))) context.addIssue({ code: 'custom', path: [key, at, 'from'], message: `"${maps[at]?.from ?? ''}" is there twice` })
})

export const planSchema = z.strictObject({
  plan: z.literal(1, 'expected 1, the version of plans that this dray understands'),
  repository: text.optional(),
  target: text.optional(),
  containers: z.array(container, 'expected a list of containers').min(1, 'names no container'),
  only: z.enum(['spec', 'image', 'data'], 'expected "spec", "image" or "data"').optional(),
  'make-paths': z.array(path, 'expected a list of paths').default([]),
  'skip-damaged': yesOrNo.default(false),
  'replay-dump': yesOrNo.default(false),
  reader: z.enum(['auto', 'host', 'helper', 'api'], 'expected "auto", "host", "helper" or "api"').default('auto'),
  'health-timeout': z.number('expected seconds').positive('expected seconds').optional(),
}).superRefine(({ containers, 'make-paths': makePaths }, context) => {
  const paths = containers.flatMap(({ binds }) => binds.map(({ to }) => to))
  for (const [at, each] of makePaths.entries()) if (!paths.includes(each)) context.addIssue({ code: 'custom', path: ['make-paths', at], message: `"${each}" is not among the "to" of binds${paths.length === 0 ? '' : `: ${paths.join(', ')}`}` })
  for (const at of repeated(containers.map(each => each.container))) context.addIssue({ code: 'custom', path: ['containers', at, 'container'], message: `container "${containers[at]?.container ?? ''}" is there twice` })
  for (const at of repeated(containers.map(each => each.name ?? each.container))) context.addIssue({ code: 'custom', path: ['containers', at, 'name'], message: `two containers would be named "${containers[at]?.name ?? containers[at]?.container ?? ''}"` })
})

export type PlanFile = z.output<typeof planSchema>
export type PlannedContainer = PlanFile['containers'][number]

/** Keys that an object of the schema knows, by the path to it: for did-you-mean. */
export function knownKeys(at: readonly PropertyKey[]): string[] {
  if (at.length === 0) return Object.keys(planSchema.shape)
  if (at.length === 2) return Object.keys(container.shape)
  return at[2] === 'volumes' || at[2] === 'binds' ? ['from', 'to', 'data'] : ['from', 'to']
}

function isPort(value: string): boolean {
  const [, first = '', last = first] = /^(?:(?:\[[0-9a-f:.]+\]|[0-9.]+):)?(\d{1,5})(?:-(\d{1,5}))?$/i.exec(value) ?? []
  return first !== '' && [first, last].every(each => Number(each) > 0 && Number(each) < 65_536)
}

/** Where something stands that was there before. */
function repeated(values: readonly string[]): number[] {
  return values.flatMap((value, at) => (values.indexOf(value) < at ? [at] : []))
}
