import { describe, expect, test } from '@jest/globals'
import { parseEndpoint, withoutPassword } from '../../../src/engine/endpoint.ts'

describe('parseEndpoint', () => {
  test.each([
    ['unix:///run/docker.sock', { kind: 'unix', path: '/run/docker.sock' }],
    ['unix:///with space/ä.sock', { kind: 'unix', path: '/with space/ä.sock' }],
    ['unix://', { kind: 'unix', path: '/var/run/docker.sock' }],
    ['tcp://host', { kind: 'tcp', host: 'host', port: 2375, tls: undefined }],
    ['tcp://host:80', { kind: 'tcp', host: 'host', port: 80, tls: undefined }],
    ['tcp://[::1]:2376/', { kind: 'tcp', host: '::1', port: 2376, tls: undefined }],
    ['http://10.0.0.1:80', { kind: 'tcp', host: '10.0.0.1', port: 80, tls: false }],
    ['https://host', { kind: 'tcp', host: 'host', port: 2376, tls: true }],
    ['https://host:443', { kind: 'tcp', host: 'host', port: 443, tls: true }],
    ['ssh://host', { kind: 'ssh', host: 'host' }],
    ['ssh://me@my_host:2222', { kind: 'ssh', host: 'my_host', user: 'me', port: 2222 }],
    ['ssh://me@host/run/user/1000/docker.sock', { kind: 'ssh', host: 'host', user: 'me', socketPath: '/run/user/1000/docker.sock' }],
    ['ssh://me%40corp@[fe80::1]:22/', { kind: 'ssh', host: 'fe80::1', user: 'me@corp', port: 22 }],
    ['SSH://host', { kind: 'ssh', host: 'host' }],
  ])('%s', (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint)
  })

  test.each([
    ['unix://run/docker.sock', 'has no absolute path'],
    [`unix:///${'x'.repeat(107)}`, 'is longer than the 107 bytes a socket path may have'],
    ['tcp://', 'has no host'],
    ['tcp://host:port', 'cannot be parsed'],
    ['tcp://host/path', 'has a path, which no engine takes'],
    ['tcp://host?x=1', 'has a query, which no engine takes'],
    ['tcp://me@host', 'has a user, which only ssh:// addresses take'],
    ['ssh://me:secret@host', 'has a password, which would be seen by everyone on this machine'],
    ['ssh://host?socket=/x', 'has a query, which no engine takes'],
    ['ssh://host#x', 'has a query, which no engine takes'],
    ['ssh://-oProxyCommand=touch%20x', 'has a name that starts with "-"'],
    ['ssh://-lroot@host', 'has a name that starts with "-"'],
    ['ssh://', 'has no host'],
    ['npipe:////./pipe/docker_engine', 'is a windows pipe, which dray does not speak'],
    ['fd://', 'is for the engine itself, not for its clients'],
    ['podman://x', 'has an unknown scheme "podman"'],
    ['/run/docker.sock', 'has no scheme'],
  ])('%s is refused', (text, reason) => {
    expect(() => parseEndpoint(text)).toThrow(expect.objectContaining({ code: 'usage', message: `the address "${withoutPassword(text)}" ${reason}` }))
  })

  test('a password is not repeated', () => {
    expect(() => parseEndpoint('ssh://me:secret@host')).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }))
  })
})
