import '../../one-realm.ts'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { checkBytes } from '../../images/damage.ts'
import { docker, load, save } from '../../images/engine-saves.ts'
import { blobPath, layers, savedFiles, tarOf, types } from '../../images/example-image.ts'
import { gzipStored } from '../../images/raw-tar.ts'
import { startHost } from '../../lab/host.ts'
import { testSaves } from './engine-saves-contract.ts'

testSaves('20.10')
testSaves('28.5')

test('a thinned load that is saved again is damaged, and it is said what happened', async () => {
  await using host = await startHost({ engine: '28.5' })
  const [base, more] = layers
  // the engine has the base unpacked, and its blob under the digest of the gzip
  await load(host, tarOf(savedFiles({ plain: [base], stored: [gzipStored(base)], layerType: `${types.layer}+gzip`, name: 'docker.io/library/base:1' }, item => ({ ...item, RepoTags: ['base:1'] }))))
  const thin = savedFiles({ plain: [base, more], name: 'docker.io/library/thin:1' }, item => ({ ...item, RepoTags: ['thin:1'] }))
  thin.delete(blobPath(base))
  await load(host, tarOf(thin))
  await docker(host, 'create', 'thin:1', 'runs')
  const { verdict, next, findings } = await checkBytes(await save(host, 'thin:1'))
  const errors = findings.filter(({ severity }) => severity === 'error')
  expect({ verdict, next, codes: [...new Set(errors.map(({ code }) => code))] }).toEqual({ verdict: 'damaged', next: 'do not rely on it: the engine that saved it does not have the whole image; pull it there again, or save it on another host', codes: ['left-out'] })
  expect(errors.map(({ member }) => member)).toContain(blobPath(base))
}, 120_000)

test('what is called odd is loaded by an engine and saved as it was, and what is called a bad name ends a load', async () => {
  await using host = await startHost({ engine: '20.10' })
  const loaded = async (name: string): Promise<number> => (await host.docker(['load', '--input', fileURLToPath(new URL(`../../../../fixtures/archives/${name}.tar`, import.meta.url))])).exitCode
  for (const name of ['layer-without-end', 'layer-followed']) {
    expect([name, await loaded(name)]).toEqual([name, 0])
    const { verdict, findings } = await checkBytes(await save(host, 'box:1'))
    expect([name, verdict, ...findings.map(({ code }) => code)]).toEqual([name, 'valid', 'layer-end'])
    await docker(host, 'rmi', 'box:1')
  }
  for (const name of ['name-upper-case', 'name-without-tag', 'name-with-digest', 'names-numbers']) expect([name, await loaded(name)]).toEqual([name, 1])
  expect(await loaded('names-of-hosts')).toBe(0)
}, 60_000)
