// A run that freezes a container, or makes things, and is killed: argv is the journal's folder, the run's id, the engine's address, and what it does.
import { connectEngine } from '../../../src/engine/connect.ts'
import { Journal } from '../../../src/pipeline/journal.ts'
import { Frozen } from '../../../src/workflows/steps/freeze.ts'

const [folder = '', run = '', address = '', what = '', name = ''] = process.argv.slice(2)
const engine = await connectEngine({ host: address, env: process.env })
const journal = await Journal.start(folder, run, `dray backup ${name}`)
if (what === 'volume') {
  await journal.record(engine, { did: 'created volume', volume: name })
  await engine.volumes.create({ Name: name })
} else if (what === 'replace') {
  await journal.record(engine, { did: 'replaced volume data', volume: name, backup: 'old', repository: '/nowhere' })
} else if (what === 'container' || what === 'given up') {
  const { Id } = await engine.containers.inspect(name)
  await engine.containers.start(Id)
  await journal.record(engine, { did: 'created container', container: Id })
  if (what === 'given up') await journal.close()
} else if (what === 'retire') {
  await journal.record(engine, { did: 'retired container', container: (await engine.containers.inspect(name)).Id, name })
} else {
  await Frozen.freeze(engine, journal, await engine.containers.inspect(name), what === 'stop' ? 'stop' : 'pause')
}
process.stdout.write('done\n')
setInterval(() => undefined, 60_000)
