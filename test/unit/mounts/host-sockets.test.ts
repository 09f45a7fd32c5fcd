import { describe, expect, test } from '@jest/globals'
import { parseSockets } from '../../../src/mounts/host-sockets.ts'

const tcp = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'

describe('the sockets of a host', () => {
  test('are those that listen, with address and port', () => {
    const text = `= tcp\n${tcp}   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1\n   2: 0100007F:1F90 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 3 1\n= tcp6\n${tcp}   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4 1\n   1: B80D0120000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5 1\n   2: 0000000000000000FFFF00000100007F:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 6 1\n= udp\n${tcp} 100: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7 2\n= udp6\n`
    expect(parseSockets(text)).toEqual([
      { protocol: 'tcp', ip: '127.0.0.1', port: 8080 },
      { protocol: 'tcp', ip: '0.0.0.0', port: 22 },
      { protocol: 'tcp', ip: '::', port: 80 },
      { protocol: 'tcp', ip: '2001:db8:0:0:0:0:0:1', port: 443 },
      { protocol: 'tcp', ip: '127.0.0.1', port: 81 },
      { protocol: 'udp', ip: '0.0.0.0', port: 53 },
    ])
  })

  test('of a host that tells nothing are none', () => {
    expect(parseSockets('= tcp\n= tcp6\n= udp\n= udp6\n')).toEqual([])
  })
})
