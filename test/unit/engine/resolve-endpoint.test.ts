import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveEndpoint } from '../../../src/engine/resolve-endpoint.ts'

let home: string
const context = async (config: string, name: string, docker: Record<string, unknown>, tls: Record<string, string> = {}): Promise<void> => {
  const id = createHash('sha256').update(name).digest('hex')
  await mkdir(join(config, 'contexts', 'meta', id), { recursive: true })
  await writeFile(join(config, 'contexts', 'meta', id, 'meta.json'), JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker } }))
  await mkdir(join(config, 'contexts', 'tls', id, 'docker'), { recursive: true })
  for (const [file, text] of Object.entries(tls)) await writeFile(join(config, 'contexts', 'tls', id, 'docker', file), text)
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'endpoints-'))
  await context(join(home, '.docker'), 'far', { Host: 'ssh://me@far', SkipTLSVerify: false })
  await context(join(home, '.docker'), 'safe', { Host: 'tcp://safe:2376', SkipTLSVerify: false }, { 'ca.pem': 'CA', 'cert.pem': 'CERT', 'key.pem': 'KEY' })
  await context(join(home, '.docker'), 'lax', { Host: 'tcp://lax:2376', SkipTLSVerify: true })
  await context(join(home, '.docker'), 'empty', {})
  await context(join(home, 'other'), 'moved', { Host: 'unix:///moved.sock' })
  await writeFile(join(home, '.docker', 'config.json'), JSON.stringify({ currentContext: 'far' }))
  await writeFile(join(home, 'other', 'config.json'), JSON.stringify({ auths: {} }))
  await mkdir(join(home, 'broken'))
  await writeFile(join(home, 'broken', 'config.json'), '{"currentContext"')
  await mkdir(join(home, 'certs'))
  await writeFile(join(home, 'certs', 'ca.pem'), 'CA')
})
afterAll(async () => rm(home, { recursive: true, force: true }))

const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ HOME: home, ...more })

test.each<[string, string | undefined, () => NodeJS.ProcessEnv, string, string]>([
  ['-H comes first', 'unix:///h.sock', () => env({ DOCKER_HOST: 'tcp://x', DOCKER_CONTEXT: 'safe' }), 'unix:///h.sock', '-H'],
  ['-H may name a context', 'safe', () => env({ DOCKER_HOST: 'tcp://x' }), 'safe', 'context "safe" from -H'],
  ['then DOCKER_HOST', undefined, () => env({ DOCKER_HOST: 'tcp://x', DOCKER_CONTEXT: 'safe' }), 'tcp://x', 'DOCKER_HOST'],
  ['DOCKER_HOST without a scheme is tcp', undefined, () => env({ DOCKER_HOST: 'x:1' }), 'tcp://x:1', 'DOCKER_HOST'],
  ['then DOCKER_CONTEXT', undefined, () => env({ DOCKER_CONTEXT: 'safe' }), 'safe', 'context "safe" from DOCKER_CONTEXT'],
  ['an empty variable is none', '', () => env({ DOCKER_HOST: '', DOCKER_CONTEXT: '' }), 'far', 'docker\'s current context "far"'],
  ['DOCKER_CONTEXT=default beats the current one', undefined, () => env({ DOCKER_CONTEXT: 'default' }), 'unix:///var/run/docker.sock', 'context "default" from DOCKER_CONTEXT'],
  ['-H default', 'default', () => env(), 'unix:///var/run/docker.sock', 'context "default" from -H'],
  ['DOCKER_CONFIG moves the contexts', 'moved', () => env({ DOCKER_CONFIG: join(home, 'other') }), 'moved', 'context "moved" from -H'],
  ['without any of them, the default socket', undefined, () => env({ DOCKER_CONFIG: join(home, 'other') }), 'unix:///var/run/docker.sock', 'the default'],
  ['a home without docker settings', undefined, () => env({ HOME: join(home, 'nowhere') }), 'unix:///var/run/docker.sock', 'the default'],
])('%s', async (_name, host, environment, address, source) => {
  expect(await resolveEndpoint(host, environment())).toMatchObject({ address, source })
})

const text = (tls: object | undefined): object | undefined => tls && Object.fromEntries(Object.entries(tls).map(([key, value]) => [key, Buffer.isBuffer(value) ? value.toString() : value]))

test.each<[string, string, () => NodeJS.ProcessEnv, object | undefined]>([
  ['a context brings its own files', 'safe', () => env(), { verify: true, ca: 'CA', cert: 'CERT', key: 'KEY' }],
  ['a context may skip the check', 'lax', () => env(), { verify: false }],
  ['the variables do not touch a context', 'lax', () => env({ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: join(home, 'certs') }), { verify: false }],
  ['plain by default', 'tcp://x', () => env(), undefined],
  ['any value of DOCKER_TLS_VERIFY counts', 'tcp://x', () => env({ DOCKER_TLS_VERIFY: '0', DOCKER_CERT_PATH: join(home, 'certs') }), { verify: true, ca: 'CA' }],
  ['DOCKER_TLS alone does not check', 'tcp://x', () => env({ DOCKER_TLS: '1', DOCKER_CERT_PATH: join(home, 'certs') }), { verify: false, ca: 'CA' }],
  ['an empty DOCKER_TLS_VERIFY is none', 'tcp://x', () => env({ DOCKER_TLS_VERIFY: '' }), undefined],
  ['https always', 'https://x', () => env(), { verify: true }],
  ['http never', 'http://x', () => env({ DOCKER_TLS_VERIFY: '1' }), undefined],
  ['no socket does', 'unix:///x', () => env({ DOCKER_TLS_VERIFY: '1' }), undefined],
])('TLS: %s', async (_name, host, environment, tls) => {
  expect(text((await resolveEndpoint(host, environment())).tls)).toEqual(tls)
})

test.each<[string, string | undefined, () => NodeJS.ProcessEnv, object]>([
  ['a context that does not exist', 'fra', () => env(), { code: 'not-found', message: 'there is no docker context "fra"', hints: ['contexts that exist: "default", "empty", "far", "lax", "safe"', 'for a machine of this name, write ssh://fra'] }],
  ['a path', '/run/docker.sock', () => env(), { code: 'not-found', hints: expect.arrayContaining(['for an address, write its scheme: unix:///run/docker.sock']) }],
  ['a login', 'me@host', () => env(), { code: 'not-found', hints: expect.arrayContaining(['for an address, write its scheme: ssh://me@host']) }],
  ['a context without an engine', 'empty', () => env(), { code: 'usage', message: 'the docker context "empty" names no docker engine' }],
  ['a config that is not JSON', undefined, () => env({ DOCKER_CONFIG: join(home, 'broken') }), { code: 'usage', message: expect.stringMatching(/broken\/config\.json" is not valid JSON$/) }],
  ['a folder without certificates', 'tcp://x', () => env({ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: join(home, 'other') }), { code: 'usage' }],
])('%s is refused', async (_name, host, environment, error) => {
  await expect(resolveEndpoint(host, environment())).rejects.toMatchObject(error)
})
