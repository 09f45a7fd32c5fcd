/**
 * `npm run bench`: the speed, size and memory of backup and restore beside restic and beside `docker run … tar | gzip`, on the
 * same data in the same run. Every program is measured from its start to its end, from outside. Exit code 1 when a
 * requirement is missed.
 */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { beginRun, endRun } from '../lab/lab-run.ts'
import { ensurePackages } from '../lab/packages.ts'
import { startBenchHost, type BenchHost } from './bench-host.ts'
import { drayOn, measureInTurn, measureTarGzip, resticOn } from './contestants.ts'
import { warmMemory } from './even-start.ts'
import { fetchNewestLts, nodeAt, type NodeVersion } from './node-versions.ts'
import { tableOf, verdictLines } from './report.ts'
import { judge, middleOf, type BenchResult } from './verdicts.ts'

const readers = ['host', 'helper'] as const

const { values: options } = parseArgs({
  options: {
    mib: { type: 'string', default: '1145' },
    files: { type: 'string', default: '15000' },
    runs: { type: 'string', default: '1' },
    nodes: { type: 'string' },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
const totalBytes = count('mib', options.mib) * 1024 * 1024
const files = count('files', options.files)
const runs = count('runs', options.runs)

const show = (line: string): void => console.error(`bench: ${line}`)

const labRun = await beginRun()
const folder = await mkdtemp(join(tmpdir(), 'drayage-bench-'))
try {
  await ensurePackages('restic', 'gzip', 'attr')
  const nodes = await chooseNodes()
  // A round stores the data compressed and restores it, by restic and by both readers on each node.
  await using host = await startBenchHost({ files, totalBytes, copies: 1 + 2 * runs * (1 + readers.length * nodes.length) })
  show(`${host.data.files} files, ${(host.data.bytes / 1e6).toFixed(0)} MB; caches are dropped and the source is read once before each run`)
  await warmMemory(3 * totalBytes)
  const rounds: BenchResult[] = []
  for (let number = 1; number <= runs; number++) rounds.push(await measureRound(host, nodes, number))
  const result = middleOf(rounds)
  const verdicts = judge(result)
  if (options.json) console.log(JSON.stringify({ data: host.data, result, verdicts, rounds }))
  else console.log(`${tableOf(result)}\n\n${verdictLines(verdicts)}`)
  process.exitCode = verdicts.every(({ isMet }) => isMet) ? 0 : 1
  if (options.keep) await keepUntilInterrupted(host)
} finally {
  await rm(folder, { recursive: true, force: true })
  await endRun(labRun)
}

async function measureRound(host: BenchHost, nodes: readonly NodeVersion[], number: number): Promise<BenchResult> {
  show(`round ${number} of ${runs}: restic, dray on ${nodes.map(({ version }) => version).join(' and ')} by ${readers.join(' and ')}, docker run tar | gzip`)
  const entries = nodes.flatMap(node => readers.map(reader => ({ node, reader })))
  const contestants = [await resticOn(host, `restic-${number}`)]
  for (const { node, reader } of entries) contestants.push(await drayOn(host, node, reader, `dray-${number}-${node.version}-${reader}`))
  const [restic, ...rounds] = await measureInTurn(contestants)
  const dray = entries.map(({ node, reader }, at) => ({ node: node.version, reader, ...rounds[at]! }))
  return { restic: restic!, dray, tarGzip: await measureTarGzip(host, `tar-${number}`) }
}

/** Those of --nodes; else this one and the newest with long-term support, where the registry can be reached. */
async function chooseNodes(): Promise<NodeVersion[]> {
  const own = await nodeAt(process.execPath)
  if (options.nodes !== undefined) return [own, ...await Promise.all(options.nodes.split(',').filter(path => path !== '').map(nodeAt))]
  try {
    const newest = await fetchNewestLts(folder)
    return newest.version === own.version ? [own] : [own, newest]
  } catch (thrown) {
    show(`only node ${own.version}: the newest one cannot be fetched (${thrown instanceof Error ? thrown.message.slice(0, 200) : String(thrown)}); name one with --nodes PATH`)
    return [own]
  }
}

async function keepUntilInterrupted(host: BenchHost): Promise<void> {
  show(`kept until Ctrl-C: engine unix://${host.lab.socket}, data in "${host.mountpoint}", repositories in "${host.folder}"`)
  const alive = setInterval(() => undefined, 60_000)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  clearInterval(alive)
}

function count(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is a number from 1 on, not "${text}"`)
  return value
}
