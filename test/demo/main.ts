/**
 * `npm run demo`: a container with data is backed up, destroyed, restored, moved to a second host and taken back, by the real commands,
 * each step shown and proved. On the engine that answers, else on private ones. Leaves nothing.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseFirstHost, startSecondHost, type DemoHost } from './hosts.ts'
import { Dray } from './dray.ts'
import { Exhibit } from './exhibit.ts'
import { beginRun, endRun } from '../lab/lab-run.ts'

const show = (line: string): void => console.log(line)

async function demo(folder: string): Promise<void> {
  await using first = await chooseFirstHost()
  show(`# The first host: ${first.description}`)
  const dray = new Dray(folder, show)
  await using exhibit = await Exhibit.make(first)
  const before = await exhibit.describe(first)
  show(`# Container "${exhibit.name}" runs there, with ${before.length} facts about its data, writable layer and settings to compare`)

  show('\n# 1. Back it up')
  await dray.run('backup', exhibit.name, '-H', first.address)
  show('\n# 2. Back it up again: what is unchanged is neither read nor stored')
  await dray.run('backup', exhibit.name, '-H', first.address)
  await dray.run('list')

  show('\n# 3. Destroy it: container, volumes, network, image')
  await exhibit.destroy(first)

  show('\n# 4. Restore it')
  await dray.run('restore', 'latest', exhibit.name, '--to', first.address)
  prove('the restored container equals the destroyed one', before, await exhibit.describe(first))

  show('\n# 5. Move it to a second host')
  await using second: DemoHost = await startSecondHost()
  show(`# The second host: ${second.description}`)
  await dray.run('migrate', exhibit.name, first.address, second.address)
  prove('the container on the second host equals it too', before, await exhibit.describe(second))

  show('\n# 6. Think better of it: the way back')
  const [record = ''] = await readdir(join(folder, 'state/drayage/runs'))
  await dray.run('migrate', '--undo', record.replace('.json', ''), '--yes')
  prove('the container runs on the first host as before', before, await exhibit.describe(first))

  show('\n# 7. The second host from the backup')
  await dray.run('restore', 'latest', exhibit.name, '--to', second.address)
  prove('the container restored there equals it too', before, await exhibit.describe(second))
  await exhibit.destroy(second)
  show('\n# Done. Nothing of this demo is left on the machine.')
}

function prove(claim: string, before: readonly string[], after: readonly string[]): void {
  const lost = before.filter(fact => !after.includes(fact))
  const added = after.filter(fact => !before.includes(fact))
  if (lost.length + added.length > 0) throw new Error(`not proved: ${claim}: ${JSON.stringify({ lost: lost.slice(0, 5), added: added.slice(0, 5) })}`)
  show(`# Proved: ${claim} in ${before.length} facts`)
}

const run = await beginRun()
const folder = await mkdtemp(join(tmpdir(), 'drayage-demo-'))
try {
  await demo(folder)
} finally {
  await rm(folder, { recursive: true, force: true })
  await endRun(run)
}
