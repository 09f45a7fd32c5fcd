/**
 * `npm run bench:migrate`: `dray migrate` beside the manual way of the tutorials (stop, commit, save | ssh load, tar | ssh tar,
 * run), on the same data in the same run, over real ssh. Time, downtime as a client sees it, and bytes on the wire are measured
 * from outside. Exit code 1 when a requirement is missed.
 */
import { parseArgs } from 'node:util'
import { renderTable } from '../../src/ui/table.ts'
import { beginRun, endRun } from '../lab/lab-run.ts'
import { engines, type EngineName } from '../lab/engines.ts'
import type { Verdict } from './verdicts.ts'
import { verdictLines } from './report.ts'
import { warmMemory } from './even-start.ts'
import { checkMoved, moveByDray, moveByHand, type Moved } from './migrate/contest.ts'
import { mib, startSource, startTarget, wakeSource, type SourceHost } from './migrate/hosts.ts'

const { values: options } = parseArgs({
  options: {
    'image-mib': { type: 'string', default: '430' },
    'mib': { type: 'string', default: '1145' },
    'files': { type: 'string', default: '15000' },
    'from': { type: 'string', default: '20.10' },
    'to': { type: 'string', default: '20.10' },
    'only': { type: 'string', multiple: true, default: [] },
    'runs': { type: 'string', default: '1' },
    'with': { type: 'string', multiple: true, default: [] },
    'no-hand': { type: 'boolean', default: false },
    'steps': { type: 'boolean', default: false },
    'json': { type: 'boolean', default: false },
  },
})

type Case = { readonly name: string; readonly hasBase: boolean; readonly isAnonymous: boolean }
const cases: readonly Case[] = [
  { name: 'base present', hasBase: true, isAnonymous: false },
  { name: 'base absent', hasBase: false, isAnonymous: false },
  { name: 'anonymous volume', hasBase: true, isAnonymous: true },
].filter(({ name }) => options.only.length === 0 || options.only.includes(name))

const [from, to] = [engineOf(options.from), engineOf(options.to)]
const show = (line: string): void => console.error(`bench: ${line}`)
const results: { readonly in: Case; readonly runs: Moved[]; readonly verdicts: Verdict[] }[] = []

const labRun = await beginRun()
try {
  await warmMemory(3 * count('mib') * mib)
  for (const isAnonymous of [false, true]) {
    const ofKind = cases.filter(each => each.isAnonymous === isAnonymous)
    if (ofKind.length === 0) continue
    await using source = await startSource({ engine: from, imageBytes: count('image-mib') * mib, files: count('files'), dataBytes: count('mib') * mib, isAnonymous })
    show(`${source.data.files} files, ${(source.data.bytes / 1e6).toFixed(0)} MB${isAnonymous ? ', in an anonymous volume' : ''}; image of ${options['image-mib']} MiB; ${from} to ${to}`)
    for (const each of ofKind) for (let round = 0; round < count('runs'); round++) results.push(await contest(source, each))
  }
} finally {
  await endRun(labRun)
}
const verdicts = results.flatMap(each => each.verdicts)
if (options.json) console.log(JSON.stringify(results))
else console.log(`${tableOf()}\n\n${verdictLines(verdicts)}`)
process.exitCode = verdicts.every(({ isMet }) => isMet) ? 0 : 1

async function contest(source: SourceHost, inCase: Case): Promise<(typeof results)[number]> {
  const runs: Moved[] = []
  const onNewTarget = async (move: (target: Awaited<ReturnType<typeof startTarget>>) => Promise<Moved>): Promise<void> => {
    await using target = await startTarget(source, to, inCase.hasBase)
    try {
      const moved = await move(target)
      runs.push(moved)
      show(`${inCase.name}: ${moved.who}: ${moved.seconds.toFixed(2)} s, down ${moved.downSeconds.toFixed(2)} s, ${(moved.wireBytes / 1e6).toFixed(1)} MB on the wire`)
      if (options.steps) for (const step of moved.steps) show(`    ${step.seconds.toFixed(2)} s  ${step.name}`)
    } finally {
      await wakeSource(source)
    }
  }
  if (!options['no-hand']) await onNewTarget(target => moveByHand(source, target))
  for (const place of ['elsewhere', 'source'] as const) {
    await onNewTarget(async target => {
      const moved = await moveByDray(source, target, place, 'one percent', options.with)
      await checkMoved(source, target)
      return moved
    })
  }
  return { in: inCase, runs, verdicts: options['no-hand'] ? [] : judge(source, inCase, runs) }
}

/** The promises of issue 4. What is new is the volume, and the writable layer. */
function judge({ newBytes }: SourceHost, { name, hasBase }: Case, [hand, ...runs]: readonly Moved[]): Verdict[] {
  if (hand === undefined) return []
  return runs.flatMap(run => {
    const atMost = (requirement: string, measured: number, limit: number): Verdict => ({ requirement: `${requirement} (${run.who})`, node: name, measured, limit, isMet: measured <= limit })
    return [
      atMost('time, of the manual way\'s', run.seconds / hand.seconds, 0.5),
      atMost('downtime, s', run.downSeconds, 2),
      ...(hasBase ? [atMost('bytes on the wire, of what is new', run.wireBytes / newBytes, 1.01)] : []),
    ]
  })
}

function tableOf(): string {
  return renderTable([
    { title: 'case', value: row => row.in.name },
    { title: 'who', value: row => row.run.who },
    { title: 'seconds', align: 'right', value: ({ run }) => run.seconds.toFixed(2) },
    { title: 'down s', align: 'right', value: ({ run }) => run.downSeconds.toFixed(2) },
    { title: 'MB on the wire', align: 'right', value: ({ run }) => (run.wireBytes / 1e6).toFixed(1) },
  ], results.flatMap(result => result.runs.map(run => ({ in: result.in, run }))), 200)
}

function count(name: 'image-mib' | 'mib' | 'files' | 'runs'): number {
  const value = Number(options[name])
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is a number from 1 on, not "${options[name]}"`)
  return value
}

function engineOf(name: string): EngineName {
  if (!(name in engines)) throw new Error(`no engine "${name}": ${Object.keys(engines).join(', ')}`)
  return name as EngineName
}
