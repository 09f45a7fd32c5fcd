import { describe, expect, test } from '@jest/globals'
import { startHost } from '../../lab/host.ts'
import { said, testHosts } from '../../lab/hosts-contract.ts'
import { debianImage } from '../../lab/images.ts'

describe.each(['26.1', '28.5', '28.5-overlay2'] as const)('engine %s', engine => {
  testHosts(engine)
})

test('28.5 keeps its images in the containerd store, unless told not to', async () => {
  await using containerd = await startHost({ engine: '28.5' })
  await using overlay2 = await startHost({ engine: '28.5-overlay2', storageMib: 200, seesOwnFiles: false })
  expect(await said(containerd, 'info', '--format', '{{.DriverStatus}}')).toContain('io.containerd.snapshotter.v1')
  expect(await said(overlay2, 'info', '--format', '{{.Driver}}')).toBe('overlay2')
}, 300_000)

test('an image with Debian packages', async () => {
  await using host = await startHost({ engine: '20.10' })
  await debianImage(host, 'debian:lab', ['acl'])
  expect(await said(host, 'run', '--rm', 'debian:lab', 'getfacl', '--version')).toContain('getfacl')
}, 300_000)
