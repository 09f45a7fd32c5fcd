// In a pid namespace of its own, as in a container: holds a lock and a journal until it is killed, or (`look`) says what it sees of them as a line of JSON.
import { join } from 'node:path'
import { acquireOwnerLock } from '../../src/files/owner-lock.ts'
import { Journal } from '../../src/pipeline/journal.ts'
import { readJournals } from '../../src/pipeline/read-journals.ts'

const [folder = '', what = ''] = process.argv.slice(2)
const [locks, journals] = [join(folder, 'locks'), join(folder, 'journal')]
if (what === 'look') {
  const lock = await acquireOwnerLock(locks, 'exclusive', { command: 'prune', waitMs: 0 }).catch(() => undefined)
  const { dead, others } = await readJournals(journals)
  process.stdout.write(JSON.stringify({ isFree: lock !== undefined, dead: dead.map(({ run }) => run), others: others.map(({ run }) => run) }))
  await lock?.release()
} else {
  await acquireOwnerLock(locks, 'shared', { command: 'backup web' })
  const journal = await Journal.start(journals, 'run-1', 'dray backup web')
  await journal.record({ address: 'unix:///x', facts: { id: 'E' } }, { did: 'paused', container: 'c0ffee', name: 'web' })
  process.stdout.write('held')
  setInterval(() => undefined, 60_000)
}
