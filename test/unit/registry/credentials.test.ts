import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { readCredentials, registryAuth, registryOf } from '../../../src/registry/credentials.ts'

const basic = (text: string) => ({ auth: Buffer.from(text).toString('base64') })

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drayage-credentials-'))
})
afterEach(async () => rm(folder, { recursive: true }))

const configure = (config: object) => writeFile(join(folder, 'config.json'), JSON.stringify(config))
const read = (registry: string, env: NodeJS.ProcessEnv = {}) => readCredentials(registry, folder, { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`, ...env })

async function helper(name: string, script: string): Promise<void> {
  const file = join(folder, `docker-credential-${name}`)
  await writeFile(file, `#!/bin/sh\nread -r host\n${script}\n`)
  await chmod(file, 0o755)
}

describe('credentials as docker finds them', () => {
  test('none without a file, or without an entry', async () => {
    expect(await read('reg:5000')).toBeUndefined()
    await configure({ auths: { 'other:5000': basic('a:b') } })
    expect(await read('reg:5000')).toBeUndefined()
  })

  test('in the file: passwords with colons, keys of old files, tokens, docker hub', async () => {
    await configure({ auths: { 'reg:5000': basic('me:a:b c'), 'https://old.example/v1/': basic('you:secret'), 'token.example': { identitytoken: 't' }, 'https://index.docker.io/v1/': basic('hub:p') } })
    expect(await read('reg:5000')).toEqual({ username: 'me', password: 'a:b c' })
    expect(await read('old.example')).toEqual({ username: 'you', password: 'secret' })
    expect(await read('token.example')).toEqual({ identityToken: 't' })
    expect(await read('docker.io')).toEqual({ username: 'hub', password: 'p' })
  })

  test('a helper of the registry goes before the general one, the environment before both', async () => {
    await configure({ auths: { 'reg:5000': basic('file:f') }, credsStore: 'all', credHelpers: { 'reg:5000': 'one' } })
    await helper('one', 'echo "{\\"Username\\":\\"$host\\",\\"Secret\\":\\"s\\"}"')
    await helper('all', 'echo \'{"Username":"<token>","Secret":"t"}\'')
    expect(await read('reg:5000')).toEqual({ username: 'reg:5000', password: 's' })
    expect(await read('any.example')).toEqual({ identityToken: 't' })
    expect(await read('reg:5000', { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { 'reg:5000': basic('env:e') } }) })).toEqual({ username: 'env', password: 'e' })
  })

  test('a helper that knows nothing, fails or is missing', async () => {
    await configure({ credHelpers: { 'reg:5000': 'none', 'bad:1': 'bad', 'no:1': 'missing' } })
    await helper('none', 'echo credentials not found in native keychain; exit 1')
    await helper('bad', 'echo locked; exit 1')
    expect(await read('reg:5000')).toBeUndefined()
    await expect(read('bad:1')).rejects.toMatchObject({ code: 'unauthorized', message: expect.stringContaining('locked') })
    await expect(read('no:1')).rejects.toMatchObject({ code: 'unauthorized', message: expect.stringContaining('docker-credential-missing') })
  })
})

test('the registry that a reference names', () => {
  expect(['reg:5000/a/b', 'localhost/a', 'reg.example/a:1', 'library/a', 'a'].map(registryOf)).toEqual(['reg:5000', 'localhost', 'reg.example', 'docker.io', 'docker.io'])
})

test('the header decodes with the alphabet for addresses and with padding', () => {
  for (const password of ['?>~', 'a', 'ab', 'abc']) {
    const value = registryAuth({ username: 'u', password }, 'reg:5000')
    expect(value).toMatch(/^[\w-]+=*$/)
    expect(value.length % 4).toBe(0)
    expect(JSON.parse(Buffer.from(value, 'base64url').toString())).toEqual({ username: 'u', password, serveraddress: 'reg:5000' })
  }
})
