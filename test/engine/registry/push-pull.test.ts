import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startRegistry, type LabRegistry } from '../../lab/registry.ts'
import { startRegistryProxy } from '../../lab/registry-proxy.ts'
import { startTokenServer } from '../../lab/token-server.ts'
import { noise, putSmallImage } from '../../unit/store/scratch.ts'
import { openRepository } from '../../../src/store/repository.ts'
import { RegistryLab, storedBytes, tagsOf } from './registry-lab.ts'

const limit = 120_000
let lab: RegistryLab
let registry: LabRegistry

beforeAll(async () => {
  [lab, registry] = await Promise.all([RegistryLab.start(), startRegistry()])
}, limit)
afterAll(async () => {
  await Promise.all([lab[Symbol.asyncDispose](), registry[Symbol.asyncDispose]()])
}, limit)

describe('push and pull', () => {
  test('a backup comes back with its id, and nothing is sent twice', async () => {
    const { id, descriptor } = await lab.backUp(noise(9 * 1024 * 1024))
    await using proxy = await startRegistryProxy(registry.address)
    const pushed = await lab.dray('push', id, `${proxy.address}/backups/web`)
    expect(pushed).toMatchObject({ exitCode: 0, result: { id, reference: `${proxy.address}/backups/web:${id}`, digest: descriptor.digest } })
    expect(await tagsOf(registry.address, 'backups/web')).toEqual([id, `${id}.m1`, `${id}.m2`])
    expect(proxy.largest()).toBeLessThanOrEqual(4 * 1024 * 1024)
    const again = await lab.dray('push', id, `${proxy.address}/backups/web:newest`)
    expect(again).toMatchObject({ exitCode: 0, result: { sentBlobs: 0, sentBytes: 0 } })
    expect(await lab.pullAndVerify(`${proxy.address}/backups/web:${id}`)).toMatchObject({ exitCode: 0, id })
    expect(await lab.dray('pull', `${proxy.address}/backups/web:newest`, '-r', lab.pulledInto)).toMatchObject({ exitCode: 0, result: { id, isNew: false, receivedBlobs: 0 } })
  }, limit)

  test('what another name of the registry has is taken over from there', async () => {
    const { id } = await lab.backUp()
    await lab.dray('push', id, `${registry.address}/one`, '--insecure')
    const before = await storedBytes(registry.dataDir)
    const pushed = await lab.dray('push', id, `${registry.address}/two`, '--insecure')
    expect(pushed).toMatchObject({ exitCode: 0, result: { sentBlobs: 0, sentBytes: 0, presentBlobs: 0 } })
    expect(await storedBytes(registry.dataDir)).toBe(before)
    expect(await lab.pullAndVerify(`${registry.address}/two:${id}`, '--insecure')).toMatchObject({ exitCode: 0, id })
  }, limit)

  test('what a push that was given up has left there is removed by prune, and nothing that a backup needs', async () => {
    const [{ id: whole }, { id: given }] = [await lab.backUp(), await lab.backUp()]
    await using proxy = await startRegistryProxy(registry.address)
    const at = `${proxy.address}/given-up`
    expect(await lab.dray('push', whole, at)).toMatchObject({ exitCode: 0 })
    proxy.fate = ({ method, path }) => (method === 'PUT' && /manifests\/[^.]*$/.test(path) ? { status: 400 } : 'pass')
    expect(await lab.dray('push', given, at)).toMatchObject({ exitCode: 14 })
    proxy.fate = () => 'pass'
    expect((await tagsOf(registry.address, 'given-up')).filter(tag => tag.startsWith(given))).toEqual([`${given}.m1`, `${given}.m2`])
    expect(await lab.dray('list', '-r', `oci://${at}`)).toMatchObject({ exitCode: 0, result: { backups: [{ id: whole }] } })
    expect(await lab.dray('prune', '-r', `oci://${at}`)).toMatchObject({ exitCode: 0, result: { removedManifests: 0 } })
    expect(await lab.dray('prune', '-r', `oci://${at}`, '--grace', '0')).toMatchObject({ exitCode: 0, result: { removedManifests: 1 } })
    // the manifest of the same container is the whole backup's too
    expect((await tagsOf(registry.address, 'given-up')).filter(tag => tag.startsWith(given))).toHaveLength(1)
    expect(await lab.dray('verify', '-r', `oci://${at}`)).toMatchObject({ exitCode: 0 })
    expect(await lab.dray('push', given, at)).toMatchObject({ exitCode: 0 })
  }, limit)

  test('plain HTTP only to loopback, unless told', async () => {
    const { id } = await lab.backUp()
    expect(await lab.dray('push', id, `${registry.address}/plain`)).toMatchObject({ exitCode: 30, stderr: expect.stringContaining('cannot be reached') })
    expect(await tagsOf(registry.address, 'plain')).toEqual([])
  }, limit)

  test('what is not there, or not a backup, is said', async () => {
    const at = `${registry.address}/nothing`
    expect(await lab.dray('pull', `${at}:1`, '--insecure')).toMatchObject({ exitCode: 11, stderr: expect.stringContaining('there is no backup') })
    expect(await lab.dray('pull', at, '--insecure')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('name the backup') })
    expect(await lab.dray('push', 'latest', 'Upper/Case')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('lower case') })
  }, limit)

  test('another backup of the same id is not overwritten, here or there', async () => {
    const id = '20260101-000000-abcdef'
    await lab.backUp(noise(1000), { id })
    await lab.dray('push', id, `${registry.address}/same`, '--insecure')
    await using other = await RegistryLab.start()
    await other.backUp(noise(1000), { id })
    expect(await other.dray('push', id, `${registry.address}/same`, '--insecure')).toMatchObject({ exitCode: 12 })
    expect(await other.dray('pull', `${registry.address}/same:${id}`, '--insecure')).toMatchObject({ exitCode: 12 })
    expect(await other.dray('verify')).toMatchObject({ exitCode: 0 })
  }, limit)

  test('private data goes to a public registry only after a yes', async () => {
    await lab.backUp()
    for (const place of ['docker.io/me/backups', 'me/backups', 'ghcr.io/me/backups', '8.8.8.8/backups']) {
      expect(await lab.dray('push', 'latest', place)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no terminal to ask') })
    }
    expect(await lab.dray('push', 'latest', 'ghcr.io/me/backups', '--yes', '--dry-run')).toMatchObject({ exitCode: 0 })
  }, limit)
})

describe('garbage collection of the registry', () => {
  test.each([false, true])('a pushed backup survives it, with manifests without a tag deleted: %s', async untagged => {
    let image
    {
      await using repository = await openRepository(lab.dray.repository, { create: true })
      image = await putSmallImage(repository, noise(200_000))
      await repository.blobs.flush()
    }
    const name = `kept-${String(untagged)}`
    const { id } = await lab.backUp(noise(2 * 1024 * 1024), { images: [image] })
    expect(await lab.dray('push', id, `${registry.address}/${name}`, '--insecure')).toMatchObject({ exitCode: 0 })
    await registry.collectGarbage({ untagged })
    await registry.stop()
    await registry.start()
    expect(await lab.pullAndVerify(`${registry.address}/${name}:${id}`, '--insecure')).toMatchObject({ exitCode: 0, id })
  }, limit)
})

describe('authentication', () => {
  test('a password, over TLS of an authority in certs.d or among the system\'s', async () => {
    const account = { username: 'somebody', password: 'a:b c' }
    await using secured = await startRegistry({ auth: account, tls: true })
    const { id } = await lab.backUp()
    const at = `${secured.address}/backups`
    const withAuthority = (args: readonly string[]) => lab.dray.plain([...args, '--json'], { SSL_CERT_FILE: secured.ca })
    await lab.logIn(secured.address, { auth: Buffer.from('somebody:a:b c').toString('base64') })
    expect(await lab.dray('push', id, at)).toMatchObject({ exitCode: 13, stderr: expect.stringContaining('certificate') })
    expect(await lab.dray('push', id, at, '--insecure')).toMatchObject({ exitCode: 0 })
    expect(await withAuthority(['push', id, at])).toMatchObject({ exitCode: 0 })
    await lab.logIn(secured.address, { username: 'somebody', password: 'wrong' })
    expect(await withAuthority(['push', id, at])).toMatchObject({ exitCode: 13, stderr: expect.stringContaining(`docker login ${secured.address}`) })
    await lab.logIn(secured.address, undefined)
    expect(await withAuthority(['push', id, at])).toMatchObject({ exitCode: 13 })
    expect(await lab.dray.plain(['push', id, at, '--json'], { SSL_CERT_FILE: secured.ca, DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [secured.address]: account } }) })).toMatchObject({ exitCode: 0 })
  }, limit)

  test('tokens, for a password and for an identity token; ended ones are renewed in the middle', async () => {
    await using tokens = await startTokenServer({ username: 'somebody', password: 'secret', identityToken: 'it-is-me' })
    await using guarded = await startRegistry({ tokens })
    await using proxy = await startRegistryProxy(guarded.address)
    const { id } = await lab.backUp(noise(20 * 1024 * 1024))
    const at = `${proxy.address}/team/backups`
    await lab.logIn(proxy.address, { auth: Buffer.from('somebody:secret').toString('base64') })
    tokens.seconds = { good: 1, said: 300 }
    expect(await lab.dray('push', id, at)).toMatchObject({ exitCode: 0 })
    tokens.seconds = { good: 300, said: 300 }
    tokens.failures = { status: 503, count: 1 }
    await lab.logIn(proxy.address, { identitytoken: 'it-is-me' })
    tokens.issued.length = 0
    expect(await lab.pullAndVerify(`${at}:${id}`)).toMatchObject({ exitCode: 0, id })
    expect(tokens.issued).toEqual([{ by: 'identity token', scope: 'repository:team/backups:pull' }])
    await lab.logIn(proxy.address, { identitytoken: 'it-was-me' })
    expect(await lab.pullAndVerify(`${at}:${id}`)).toMatchObject({ exitCode: 13 })
    await lab.logIn(proxy.address, undefined)
    expect(await lab.pullAndVerify(`${at}:${id}`)).toMatchObject({ exitCode: 13 })
  }, limit)

  test('a helper that docker\'s config names, for all registries or for one; a password, an identity token, none', async () => {
    await using tokens = await startTokenServer({ username: 'somebody', password: 'secret', identityToken: 'it-is-me' })
    await using guarded = await startRegistry({ tokens })
    await using proxy = await startRegistryProxy(guarded.address)
    const { id } = await lab.backUp()
    const path = await lab.installHelpers({
      store: `read server; [ "$1" = get ] && [ "$server" = "${proxy.address}" ] && echo '{"ServerURL":"x","Username":"somebody","Secret":"secret"}'`,
      token: 'echo \'{"ServerURL":"x","Username":"<token>","Secret":"it-is-me"}\'',
      empty: 'echo "credentials not found in native keychain"; exit 1',
      broken: 'echo "the keychain is locked"; exit 1',
    })
    const push = async (name: string, config: object, more: NodeJS.ProcessEnv = {}) => {
      await lab.configure(config)
      tokens.issued.length = 0
      const answer = await lab.dray.plain(['push', id, `${proxy.address}/${name}`, '--json'], { PATH: `${path}:${process.env['PATH'] ?? ''}`, ...more })
      return { exitCode: answer.exitCode, stderr: answer.stderr, by: [...new Set(tokens.issued.map(({ by }) => by))] }
    }
    expect(await push('a', { credsStore: 'store' })).toMatchObject({ exitCode: 0, by: ['password'] })
    expect(await push('b', { credsStore: 'broken', credHelpers: { [proxy.address]: 'token' } })).toMatchObject({ exitCode: 0, by: ['identity token'] })
    expect(await push('c', { credsStore: 'empty', auths: { [proxy.address]: {} } })).toMatchObject({ exitCode: 13, stderr: expect.stringContaining(`docker login ${proxy.address}`) })
    expect(await push('d', { credsStore: 'broken' })).toMatchObject({ exitCode: 13, stderr: expect.stringContaining('the keychain is locked') })
    expect(await push('e', { credsStore: 'missing' })).toMatchObject({ exitCode: 13, stderr: expect.stringContaining('which docker\'s config names, cannot be run') })
    expect(await push('f', { credsStore: 'broken' }, { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [proxy.address]: { auth: Buffer.from('somebody:secret').toString('base64') } } }) })).toMatchObject({ exitCode: 0, by: ['password'] })
  }, limit)
})
