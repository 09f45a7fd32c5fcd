// Writes fixtures/specs/<engine>/<case>.json and engine.json: node dist/test/engine/engine/record-specs.js ENGINE…
import { mkdir, writeFile } from 'node:fs/promises'
import { recordContainer } from '../../../src/engine/spec/record-container.ts'
import type { EngineName } from '../../lab/engines.ts'
import { casesFor, makeCase, removeCase, startSpecHost } from './spec-lab.ts'

for (const name of process.argv.slice(2) as EngineName[]) {
  await using spec = await startSpecHost(name)
  const folder = new URL(`../../../../fixtures/specs/${name}/`, import.meta.url)
  await mkdir(folder, { recursive: true })
  const write = (file: string, value: unknown) => writeFile(new URL(`${file}.json`, folder), `${JSON.stringify(value).replaceAll(spec.host.sharedDir, '/srv/shared').replaceAll(spec.host.dataRoot, '/var/lib/docker')}\n`)
  await write('engine', spec.engine.facts)
  for (const each of casesFor(spec.engine.facts.apiVersion)) {
    try {
      await write(each.name, { ...(await recordContainer(spec.engine, await makeCase(spec, each))), engine: undefined })
    } catch (error) {
      console.log(name, each.name, String(error))
    }
    await removeCase(spec, each.name)
  }
}
