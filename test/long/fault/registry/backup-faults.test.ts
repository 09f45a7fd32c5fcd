import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { at, docker, expectExit, installDray, type Dray } from '../../../engine/cli/dray.ts'
import { startHost, type LabHost } from '../../../lab/host.ts'
import { busyboxImage } from '../../../lab/images.ts'
import { startRegistry, type LabRegistry } from '../../../lab/registry.ts'
import { startRegistryProxy, type Asked, type RegistryProxy } from '../../../lab/registry-proxy.ts'

const limit = 180_000
let host: LabHost
let dray: Dray
let registry: LabRegistry
let proxy: RegistryProxy
let names = 0

/** "web" has an image layer and a writable layer of several pieces each, and a volume. */
beforeAll(async () => {
  [host, dray, registry] = await Promise.all([startHost({ engine: '20.10' }), installDray(), startRegistry()])
  proxy = await startRegistryProxy(registry.address)
  await busyboxImage(host, 'base:1')
  await host.sh(`set -e; docker run --name make base:1 dd if=/dev/urandom of=/layer bs=1M count=20 2>/dev/null; docker commit make app:1 >/dev/null; docker rm make >/dev/null
    docker run -d --name web -v data:/data app:1 sleep 100000 >/dev/null
    docker exec web sh -c 'dd if=/dev/urandom of=/own bs=1M count=20; dd if=/dev/urandom of=/data/file bs=1M count=20' 2>/dev/null`)
}, limit)
afterEach(() => {
  proxy.fate = () => 'pass'
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await Promise.all([host[Symbol.asyncDispose](), dray[Symbol.asyncDispose](), registry[Symbol.asyncDispose]()])
}, limit)

const isPiece = ({ method, headers }: Asked): boolean => method === 'PATCH' && Number(headers['content-length'] ?? 0) > 1024 * 1024

test.each([['the first piece of a layer', 0], ['a later piece', 3], ['each tenth piece', 10]] as const)('a backup to a registry goes on after connections that are cut in %s', async (_what, which) => {
  let pieces = 0
  let cut = 0
  proxy.fate = asked => {
    if (!isPiece(asked)) return 'pass'
    const isHit = which === 10 ? pieces % 10 === 4 && cut < 3 : pieces === which
    pieces += 1
    if (!isHit) return 'pass'
    cut += 1
    return { cutAfter: 100_000 }
  }
  const place = `oci://${proxy.address}/web-${++names}`
  const [id = ''] = expectExit(await dray('backup', 'web', '-H', at(host), '-r', place), 0).result.ids
  expect(cut).toBeGreaterThan(0)
  proxy.fate = () => 'pass'
  expectExit(await dray('verify', '--deep', '-r', place), 0)
  const sums = async (container: string): Promise<string> => docker(host, 'exec', container, 'sha256sum', '/layer', '/own', '/data/file')
  expectExit(await dray('restore', id, 'web', '--name', 'again', '--map-volume', 'data:again', '-H', at(host), '-r', place), 0)
  expect(await sums('again')).toBe(await sums('web'))
  await docker(host, 'rm', '-fv', 'again')
  await docker(host, 'volume', 'rm', 'again')
}, limit)
