// Writes a journal as a run would, says so, and waits to be killed.
import { Journal } from '../../../src/pipeline/journal.ts'

const [folder = '', run = ''] = process.argv.slice(2)
const journal = await Journal.start(folder, run, `dray backup ${run}`)
const engine = { address: 'unix:///run/docker.sock', facts: { id: 'ENGINE' } }
const volume = await journal.record(engine, { did: 'created volume', volume: 'data' })
await journal.record(engine, { did: 'paused', container: 'c0ffee', name: 'web' })
await journal.settle(volume)
process.stdout.write('ready\n')
setInterval(() => undefined, 60_000)
