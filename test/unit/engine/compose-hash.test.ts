import { describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { hashedText, rehashed } from '../../../src/engine/compose/config-hash.ts'
import { goJson, spelledDuration } from '../../../src/engine/compose/go-json.ts'
import type { ContainerRecord } from '../../../src/engine/spec/spec-record.ts'
import { fixtureRecord, withConfig, withHostConfig } from './spec-fixtures.ts'

const peer = { id: 'a'.repeat(64), name: 'shop-web-1', mounts: [] }

/** As compose 2.26 hashed "network_mode: service:web" with a command, an environment and a health check. */
const hashed = `{"command":["sh","-c","a && b <c>"],"depends_on":{"web":{"condition":"service_started","restart":true,"required":true}},"entrypoint":null,"environment":{"A":"1","B":"x y"},"healthcheck":{"test":["CMD","true"],"interval":"1m30s"},"image":"app:1","network_mode":"container:${peer.id}","restart":"unless-stopped"}`.replaceAll(/[<>&]/g, each => `\\u00${each.charCodeAt(0).toString(16)}`)

function sidecar(hash: string): ContainerRecord {
  const record = withHostConfig(withConfig(fixtureRecord('20.10', 'plain-created'), {
    Image: 'app:1', Cmd: ['sh', '-c', 'a && b <c>'], Env: ['B=x y', 'A=1', 'PATH=/bin'], Healthcheck: { Test: ['CMD', 'true'], Interval: 90e9 },
    Labels: { 'com.docker.compose.config-hash': hash, 'com.docker.compose.depends_on': 'web:service_started:true' },
  }), { NetworkMode: `container:${peer.id}`, RestartPolicy: { Name: 'unless-stopped', MaximumRetryCount: 0 } })
  return { ...record, image: { ...record.image!, Config: { Env: ['PATH=/bin'] } }, peers: [peer] }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

describe('the hash of a service that refers to another container', () => {
  test('is made with the new id when what was hashed is known', () => {
    const record = sidecar(sha256(hashed))
    expect(hashedText(record)).toBe(hashed)
    expect(rehashed(record, new Map([[peer.id, 'b'.repeat(64)]]))).toBe(sha256(hashed.replace(peer.id, 'b'.repeat(64))))
  })

  test('is not made when it is not', () => {
    const record = sidecar(sha256(`${hashed} `))
    expect(hashedText(record)).toBeUndefined()
    expect(rehashed(record, new Map([[peer.id, 'b'.repeat(64)]]))).toBeUndefined()
  })

  test('is written as Go writes it', () => {
    expect(goJson({ a: '<b>&\u2028' })).toBe('{"a":"\\u003cb\\u003e\\u0026\\u2028"}')
    expect([90, 3600, 0.25, 1, 5400, 0].map(seconds => spelledDuration(seconds * 1e9))).toEqual(['1m30s', '1h0m0s', '250ms', '1s', '1h30m0s', '0s'])
  })
})
