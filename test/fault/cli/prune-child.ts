// Prunes a repository without any grace: argv is its path, and for how long the lock is waited for. Says what happened as JSON.
import { DrayError } from '../../../src/errors/dray-error.ts'
import { prune } from '../../../src/store/prune.ts'
import { openRepository } from '../../../src/store/repository.ts'

const [path = '', waitMs = '0'] = process.argv.slice(2)

async function run(): Promise<object> {
  await using repository = await openRepository(path, { create: false })
  await using lock = await repository.lock('exclusive', { command: 'prune', waitMs: Number(waitMs) })
  return await prune(repository, { graceMs: -1000 }, lock)
}

process.stdout.write(JSON.stringify(await run().catch((thrown: unknown) => {
  if (!(thrown instanceof DrayError)) throw thrown
  return { code: thrown.code, exitCode: thrown.exitCode }
})))
