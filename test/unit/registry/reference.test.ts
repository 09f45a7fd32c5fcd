import { describe, expect, test } from '@jest/globals'
import { isLoopback, looksPublic, parseReference, parseRegistryUrl } from '../../../src/registry/reference.ts'

const digest = `sha256:${'a'.repeat(64)}`

describe('references', () => {
  test.each([
    ['registry.lan:5000/backups/web', { registry: 'registry.lan:5000', name: 'backups/web' }],
    ['registry.lan:5000/backups/web:20260131-040506-1a2b3c', { registry: 'registry.lan:5000', name: 'backups/web', tag: '20260131-040506-1a2b3c' }],
    [`localhost/a__b/c-d.e@${digest}`, { registry: 'localhost', name: 'a__b/c-d.e', digest }],
    ['[::1]:5000/a:b', { registry: '[::1]:5000', name: 'a', tag: 'b' }],
    ['me/backups', { registry: 'docker.io', name: 'me/backups' }],
    ['backups:1', { registry: 'docker.io', name: 'library/backups', tag: '1' }],
  ])('%s', (text, expected) => {
    expect(parseReference(text)).toEqual(expected)
  })

  test.each(['', ':tag', 'host.lan/', 'host.lan/Upper', 'host.lan/a//b', 'host.lan/a:', 'host.lan/a:b c', 'host.lan/a@sha256:1', 'host.lan/../a', 'host.lan/a?b=c', 'host.lan/a#b'])('"%s" is none', text => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  test('a repository has no tag', () => {
    expect(parseRegistryUrl('oci://host.lan/a/b')).toEqual({ registry: 'host.lan', name: 'a/b' })
    expect(() => parseRegistryUrl('oci://host.lan/a:1')).toThrow(/names a tag/)
  })
})

test.each(['docker.io', 'ghcr.io', 'quay.io:443', '8.8.8.8', '172.32.0.1:5000', '[2001:db8::1]:5000', 'registry.example.org'])('%s looks public', host => {
  expect(looksPublic(host)).toBe(true)
})

test.each(['localhost:5000', '127.3.2.1', '[::1]:5000', '10.1.2.3:5000', '172.16.0.1', '192.168.1.1', '100.64.0.1', '[fd00::1]:5000', 'registry', 'nas.local', 'registry.lan:5000'])('%s does not', host => {
  expect(looksPublic(host)).toBe(false)
})

test('only loopback is loopback', () => {
  expect(['localhost', 'localhost:5000', '127.0.0.1:1', '[::1]:2'].filter(isLoopback)).toHaveLength(4)
  expect(['localhost.example.org', '10.0.0.1', '128.0.0.1', '127.example.org'].filter(isLoopback)).toEqual([])
})
