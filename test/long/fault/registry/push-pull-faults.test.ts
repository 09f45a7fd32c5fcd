import { describe, expect, test } from '@jest/globals'
import { tagsOf, type RegistryLab } from '../../../engine/registry/registry-lab.ts'
import { useProxiedRegistry } from '../../../engine/registry/use-proxied-registry.ts'
import type { LabRegistry } from '../../../lab/registry.ts'
import { startRegistryProxy, type Asked, type Fate, type RegistryProxy } from '../../../lab/registry-proxy.ts'
import { noise } from '../../../unit/store/scratch.ts'

const limit = 180_000
let lab: RegistryLab
let registry: LabRegistry
let proxy: RegistryProxy
let names = 0

useProxiedRegistry(limit, started => void ({ lab, registry, proxy } = started))

/** The same for the first so many requests that fit. */
const first = (count: number, fits: (asked: Asked) => boolean, fate: Fate) => {
  let met = 0
  return (asked: Asked): Fate => (met < count && fits(asked) && met++ < count ? fate : 'pass')
}
const isUpload = ({ method }: Asked): boolean => method === 'PATCH' || method === 'PUT'
const isBlob = ({ method, path }: Asked): boolean => method === 'GET' && path.includes('/blobs/')

describe('a push goes on after', () => {
  test.each<[string, () => RegistryProxy['fate']]>([
    ['connections that are cut in uploads', () => first(4, isUpload, { cutAfter: 100_000 })],
    ['connections that are cut before any answer', () => first(4, isUpload, { cutAnswerAfter: 0 })],
    ['connections that are cut before they say anything', () => first(6, () => true, { cutAfter: 0 })],
    ['429 with Retry-After', () => first(6, () => true, { status: 429, headers: { 'retry-after': '1' } })],
    ['500 in the middle', () => first(6, isUpload, { status: 500 })],
    ['503 to manifests', () => first(2, ({ method, path }) => method === 'PUT' && path.includes('/manifests/'), { status: 503 })],
  ])('%s', async (_what, fate) => {
    const { id } = await lab.backUp(noise(12 * 1024 * 1024))
    const name = `web-${++names}`
    proxy.fate = fate()
    expect(await lab.dray('push', id, `${proxy.address}/${name}`)).toMatchObject({ exitCode: 0, result: { id } })
    proxy.fate = () => 'pass'
    expect(await lab.pullAndVerify(`${proxy.address}/${name}:${id}`)).toMatchObject({ exitCode: 0, id })
  }, limit)

  test('a restart of the registry', async () => {
    const { id } = await lab.backUp(noise(30 * 1024 * 1024))
    let restarted: Promise<void> | undefined
    proxy.fate = asked => {
      if (isUpload(asked) && asked.number > 20) restarted ??= registry.stop().then(() => registry.start())
      return 'pass'
    }
    expect(await lab.dray('push', id, `${proxy.address}/restarted`)).toMatchObject({ exitCode: 0 })
    expect(restarted).toBeDefined()
    await restarted
    expect(await lab.pullAndVerify(`${proxy.address}/restarted:${id}`)).toMatchObject({ exitCode: 0, id })
  }, limit)

  test('the ends of connections that a proxy lets live for a moment only', async () => {
    await using hasty = await startRegistryProxy(registry.address, { closeAfterMs: 300 })
    const { id } = await lab.backUp(noise(60 * 1024 * 1024))
    expect(await lab.dray('push', id, `${hasty.address}/hasty`)).toMatchObject({ exitCode: 0 })
    expect(await lab.pullAndVerify(`${hasty.address}/hasty:${id}`)).toMatchObject({ exitCode: 0, id })
  }, limit)
})

describe('a pull goes on after', () => {
  test.each<[string, () => RegistryProxy['fate']]>([
    ['connections that are cut in answers', () => first(5, isBlob, { cutAnswerAfter: 300_000 })],
    ['429', () => first(4, isBlob, { status: 429 })],
    ['502', () => first(4, () => true, { status: 502 })],
  ])('%s', async (_what, fate) => {
    const { id } = await lab.backUp(noise(12 * 1024 * 1024))
    const name = `pulled-${++names}`
    expect(await lab.dray('push', id, `${proxy.address}/${name}`)).toMatchObject({ exitCode: 0 })
    proxy.fate = fate()
    expect(await lab.pullAndVerify(`${proxy.address}/${name}:${id}`)).toMatchObject({ exitCode: 0, id })
  }, limit)
})

describe('what does not pass ends it with the cause, and nothing is listed', () => {
  test.each<[string, (asked: Asked) => boolean, number, number, string]>([
    ['uploads are denied', isUpload, 403, 13, '403'],
    ['a password is wanted in the middle', isUpload, 401, 13, '401'],
    ['uploads are too large for a proxy', isUpload, 413, 14, 'proxy'],
    ['the index is refused', ({ method, path }) => method === 'PUT' && /manifests\/[^.]*$/.test(path), 400, 14, '400'],
  ])('%s', async (_what, fits, status, exitCode, said) => {
    const { id } = await lab.backUp()
    const name = `refused-${++names}`
    proxy.fate = asked => (fits(asked) ? { status } : 'pass')
    expect(await lab.dray('push', id, `${proxy.address}/${name}`)).toMatchObject({ exitCode, stderr: expect.stringContaining(said) })
    proxy.fate = () => 'pass'
    const tags = await tagsOf(registry.address, name).catch(() => [])
    expect(tags).not.toContain(id)
    expect(await lab.dray('push', id, `${proxy.address}/${name}`)).toMatchObject({ exitCode: 0 })
  }, limit)

  test('a blob that is damaged here is neither sent nor listed', async () => {
    const { id, descriptor } = await lab.backUp()
    await lab.damageChunk(descriptor)
    expect(await lab.dray('push', id, `${proxy.address}/damaged`)).toMatchObject({ exitCode: 20, stderr: expect.stringContaining('does not have the content') })
    expect(await tagsOf(registry.address, 'damaged').catch(() => [])).toEqual([])
  }, limit)

  test('what was changed on its way is not kept', async () => {
    const { id, descriptor } = await lab.backUp()
    await lab.dray('push', id, `${proxy.address}/changed`)
    await lab.damageChunk(descriptor, registry.dataDir)
    expect(await lab.pullAndVerify(`${proxy.address}/changed:${id}`)).toMatchObject({ exitCode: 20 })
    expect(await lab.dray('list', '-r', lab.pulledInto)).toMatchObject({ exitCode: 0, result: { backups: [] } })
  }, limit)
})
