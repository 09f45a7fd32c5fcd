import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { run } from '../lab/command.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
const fixtures = fileURLToPath(new URL('../../../fixtures/archives/', import.meta.url))
const archive = (name: string): string => join(fixtures, `${name}.tar`)

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'dray-verify-'))
})
afterAll(async () => {
  await rm(home, { recursive: true })
})

const verify = (...args: readonly string[]): ReturnType<typeof run> => run(process.execPath, [dray, 'verify', ...args], { env: { PATH: process.env['PATH'], HOME: home } })

test.each<[string, number]>([['containerd-store', 0], ['docker-24', 0], ['foreign-layer', 3], ['layer-bit', 20], ['no-end-blocks', 20], ['legacy', 21], ['root-file-system', 21], ['text', 21], ['cut-at-0', 21]])('%s ends with exit code %i, and --json says the same', async (name, exitCode) => {
  expect((await verify(archive(name))).exitCode).toBe(exitCode)
  const { stdout } = await verify(archive(name), '--json')
  const { about, ...expected } = JSON.parse(readFileSync(join(fixtures, `${name}.json`), 'utf8')) as Record<string, unknown>
  expect({ about, ...(JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as object) }).toMatchObject({ ...expected, exitCode })
})

test('a file that is not there is 11, one that may not be read 13, one that cannot be read 30', async () => {
  expect((await verify(join(home, 'nothing.tar'))).exitCode).toBe(11)
  expect((await verify('/proc/self/mem')).exitCode).toBe(30)
  const secret = join(home, 'secret.tar')
  await cp(archive('docker-24'), secret)
  await chmod(secret, 0)
  await chmod(home, 0o755)
  const refused = spawnSync('setpriv', ['--reuid=65534', '--clear-groups', process.execPath, dray, 'verify', secret], { env: { PATH: process.env['PATH'], HOME: '/nonexistent' }, encoding: 'utf8' })
  expect([refused.status, refused.stderr]).toEqual([13, expect.stringContaining(`"${secret}": permission denied`)])
})

test('a directory without an image is told as one', async () => {
  await mkdir(join(home, 'no image'))
  expect(await verify(join(home, 'no image'))).toMatchObject({ exitCode: 21, stdout: expect.stringMatching(/no image is a directory without an image: neither index\.json nor manifest\.json is in it\n\nNOT AN IMAGE: name the folder that holds one of them, or the file itself\n$/) })
})

test('what a person reads: each finding once with both views, which view is broken, what to do', async () => {
  const bit = (await verify(archive('layer-bit'))).stdout
  expect(bit.match(/error digest-mismatch/g)).toHaveLength(1)
  expect(bit).toMatch(/"blobs\/sha256\/[0-9a-f]{64}" \(by manifest\.json and index\.json\): [^\n]*\n  expected: sha256:/)
  expect(bit).toMatch(/\nDAMAGED: do not rely on it: save the image again from where it came from\n$/)
  const one = (await verify(archive('layer-type-plain'))).stdout
  expect(one).toContain('by manifest.json, which classic engines, podman and skopeo read: valid\nby index.json, which engines with the containerd store, and tools for OCI layouts read: damaged')
})

test('from stdin', () => {
  const child = spawnSync('sh', ['-c', `"$0" "$1" verify - < "$2"`, process.execPath, dray, archive('outer-gzip')], { env: { PATH: process.env['PATH'], HOME: home }, encoding: 'utf8' })
  expect([child.status, child.stdout.split('\n')[0]]).toEqual([0, 'what came is an image archive with manifest.json and index.json, compressed with gzip'])
})
